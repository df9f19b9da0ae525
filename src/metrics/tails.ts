/**
 * Tail probabilities of the distributions that tests refer to, through regularised incomplete gamma and beta functions.
 * A small tail is computed as what it is, never as 1 minus a number near 1, so that it keeps its digits down to the
 * smallest double.
 */

/** Convergence of series and continued fractions, relative. */
const PRECISION = 1e-16;
const MAX_TERMS = 100_000;
/** Stands in for a zero denominator in the modified Lentz method. */
const TINY = 1e-300;

const LANCZOS_G = 7;
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** log Γ(x) for x > 0, by the Lanczos approximation [lanczos1964gamma], relative error about 1e-15. */
function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  let sum = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i] / (shifted + i);
  const base = shifted + LANCZOS_G + 0.5;
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(base) - base + Math.log(sum);
}

/**
 * Q(a, x) = Γ(a, x) / Γ(a), the regularised upper incomplete gamma function: a series where it is not small, else a
 * continued fraction [press2007recipes, sec. 6.2].
 */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < MAX_TERMS && term > sum * PRECISION; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return 1 - front * sum;
  }
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < MAX_TERMS; n++) {
    const numerator = -n * (n - a);
    b += 2;
    d = 1 / away(numerator * d + b);
    c = away(b + numerator / c);
    const change = d * c;
    fraction *= change;
    if (Math.abs(change - 1) <= PRECISION) break;
  }
  return front * fraction;
}

/** I_x(a, b), the regularised incomplete beta function, by a continued fraction [press2007recipes, sec. 6.4]. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2)
    ? (front * betaFraction(x, a, b)) / a
    : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

function betaFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let n = 1; n < MAX_TERMS; n++) {
    const even = (n * (b - n) * x) / ((a + 2 * n - 1) * (a + 2 * n));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + n) * (a + b + n) * x) / ((a + 2 * n) * (a + 2 * n + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const change = d * c;
    fraction *= change;
    if (Math.abs(change - 1) <= PRECISION) break;
  }
  return fraction;
}

const away = (value: number): number => (Math.abs(value) < TINY ? TINY : value);

/** P(Z > z) of the standard normal distribution = ½ Q(½, z²/2) for z ≥ 0. */
export function normalTail(z: number): number {
  const tail = 0.5 * upperGamma(0.5, (z * z) / 2);
  return z >= 0 ? tail : 1 - tail;
}

/**
 * P(X > x) of the χ² distribution = Q(df/2, x/2).
 * @param df degrees of freedom, above 0
 */
export function chiSquaredTail(x: number, df: number): number {
  return upperGamma(df / 2, x / 2);
}

/**
 * P(X > x) of the F distribution = I_{d₂/(d₂ + d₁x)}(d₂/2, d₁/2).
 * @param df1 degrees of freedom of the numerator, above 0
 * @param df2 degrees of freedom of the denominator, above 0
 */
export function fTail(x: number, df1: number, df2: number): number {
  return x <= 0 ? 1 : incompleteBeta(df2 / (df2 + df1 * x), df2 / 2, df1 / 2);
}

/**
 * P(X ≤ k) of the binomial distribution with n trials of probability ½ = I_{½}(n − k, k + 1).
 * @param k integer in 0..n
 */
export function fairBinomialTail(k: number, n: number): number {
  return k >= n ? 1 : incompleteBeta(0.5, n - k, k + 1);
}
