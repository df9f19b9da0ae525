/** The least of 0.1, 0.2, 0.5 and 1 that holds a risk in [0, 1]: few different axes compare better. */
export function niceLimit(value: number): number {
  return [0.1, 0.2, 0.5].find((limit) => value <= limit) ?? 1;
}
