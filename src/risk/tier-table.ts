/** What was observed in each tier, and whether more risk was indeed seen in higher tiers. */
import { ShapeError } from '../errors.js';
import { denseClusters, type Estimate, wilsonInterval } from '../metrics/index.js';
import { type TierName, tierNames } from './tiers.js';

export interface TierObservation {
  readonly tier: TierName;
  /** Rows of the tier with a known label, their patients, and those rows with the finding. */
  readonly n: number;
  readonly patients: number;
  readonly positives: number;
  /** positives / n with a Wilson interval; see `tierTable`. */
  readonly observedRisk: Estimate;
}

export interface TierTable {
  readonly label: string;
  /** Rows whose label is unknown; they are in no tier's count. */
  readonly unknown: number;
  /** Low, medium, high. */
  readonly tiers: readonly TierObservation[];
  /** Whether observed risk never falls from a tier to the next; null with fewer than two tiers in use. */
  readonly monotone: boolean | null;
  /** The same in words, for the report. */
  readonly statement: string;
}

/**
 * Observed risk per label and tier. The interval is Wilson's [wilson1927] on the effective number of rows n / deff, in
 * whole rows, where the design effect deff ≥ 1 compares the variance between patients with that of independent rows
 * [korn1998survey]; with one row per patient deff is 1. Where nobody, or everybody, has the finding, rows of one patient
 * count once.
 * @param tiers [n, L] 0 low, 1 medium, 2 high
 * @param targets [n, L] 1 = finding present
 * @param known [n, L] 1 = recorded
 * @param patients [n] patient index
 * @throws ShapeError when the sizes differ
 */
export function tierTable(
  tiers: Uint8Array,
  targets: Float32Array,
  known: Uint8Array,
  labels: readonly string[],
  patients: Int32Array,
): TierTable[] {
  const cells = patients.length * labels.length;
  if (tiers.length !== cells || targets.length !== cells || known.length !== cells) {
    throw new ShapeError(
      `tierTable: ${patients.length} rows × ${labels.length} labels make ${cells} cells, got ${tiers.length} tiers, ${targets.length} targets, ${known.length} masks; pass the same rows`,
    );
  }
  return labels.map((label, l) => {
    const cellOf = (row: number) => row * labels.length + l;
    const rows = [...patients.keys()].filter((row) => known[cellOf(row)] === 1);
    const observations = tierNames.map((tier, t): TierObservation => {
      const inside = rows.filter((row) => tiers[cellOf(row)] === t);
      const present = inside.map((row) => (targets[cellOf(row)] === 1 ? 1 : 0));
      const { ofRow, count } = denseClusters(Int32Array.from(inside, (row) => patients[row]));
      const positives = present.filter((value) => value === 1).length;
      return {
        tier,
        n: inside.length,
        patients: count,
        positives,
        observedRisk: clusteredShare(present, ofRow, count),
      };
    });
    return {
      label,
      unknown: patients.length - rows.length,
      tiers: observations,
      ...monotonicity(observations),
    };
  });
}

function clusteredShare(present: readonly number[], cluster: Int32Array, clusters: number): Estimate {
  const n = present.length;
  if (n === 0) return { value: null, reason: 'no rows' };
  const positives = present.reduce((sum, value) => sum + value, 0);
  const share = positives / n;
  const effective = Math.max(1, Math.round(n / designEffect(present, cluster, clusters, share)));
  return { value: share, ci95: wilsonInterval(Math.round(share * effective), effective) };
}

/**
 * Variance of the share with patients as the sampled units over that with rows as the sampled units:
 *   [m/(m−1) Σ_i (y_i − n_i p)² / n²] / [p (1 − p) / n], at least 1; m patients with n_i rows, y_i positive.
 * Where the variance cannot be estimated, rows of a patient are taken as copies: n / m.
 */
function designEffect(
  present: readonly number[],
  cluster: Int32Array,
  clusters: number,
  share: number,
): number {
  const n = present.length;
  if (clusters === n) return 1;
  if (clusters < 2 || share === 0 || share === 1) return n / clusters;
  const residual = new Float64Array(clusters);
  present.forEach((value, i) => {
    residual[cluster[i]] += value - share;
  });
  const between = residual.reduce((sum, value) => sum + value * value, 0) / (n * n);
  return Math.max(1, ((clusters / (clusters - 1)) * between * n) / (share * (1 - share)));
}

function monotonicity(tiers: readonly TierObservation[]): Pick<TierTable, 'monotone' | 'statement'> {
  const used = tiers.filter((tier) => tier.n > 0);
  if (used.length < 2) {
    const where = used.length === 0 ? 'no tier' : `tier ${used[0].tier} alone`;
    return { monotone: null, statement: `The rows with a known label are in ${where}: nothing to compare.` };
  }
  for (let i = 1; i < used.length; i++) {
    const [lower, upper] = [used[i - 1], used[i]];
    if (upper.positives / upper.n < lower.positives / lower.n) {
      return {
        monotone: false,
        statement: `Observed risk falls from tier ${lower.tier} (${percent(lower)}) to ${upper.tier} (${percent(upper)}): the tiers do not order risk here.`,
      };
    }
  }
  const steps = used.map((tier) => `${tier.tier} ${percent(tier)}`);
  return { monotone: true, statement: `Observed risk does not fall from tier to tier: ${steps.join(', ')}.` };
}

function percent({ n, positives }: TierObservation): string {
  return `${((100 * positives) / n).toFixed(1)} %`;
}
