/**
 * How much others slow the processor. A virtual core is often half of a real one, whose other half does somebody else's work.
 * Then a loop that rewrites the same few numbers, which stay in the nearest cache, takes up to twice as long, though nothing
 * else runs in this machine and no time is reported as stolen; arithmetic in registers alone does not.
 */
const numbers = new Float32Array(96).fill(1);

/** Milliseconds of a fixed piece of work: loads, arithmetic and stores. */
export function rewritingMs(): number {
  const start = performance.now();
  for (let times = 0; times < 20_000; times++) {
    for (let i = 0; i < numbers.length; i++) numbers[i] = numbers[i] * 0.999 + 0.5;
  }
  return performance.now() - start;
}

/** In words: how times of `rewritingMs` compare with the least of them. */
export function disturbanceOf(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] / sorted[0]).toFixed(2);
  return `a loop over 96 numbers took ${at(0.25)} to ${at(0.75)} times its least time (quartiles)`;
}
