/** Numbers as text: one rounding rule for the whole report, and a reason where there is no number. */
import type { Estimate } from '../metrics/index.js';
import { html, type Markup } from './html.js';

/** How a quantity is printed: a score as 0.761, a share as 76.1 %, a ratio or coefficient as 1.23, a net benefit as 0.0123. */
export type Unit = 'score' | 'percent' | 'ratio' | 'benefit';

/** The sign with a space that does not break. */
const PERCENT = '\u00a0%';

/** @throws RangeError when the value is not finite */
export function formatNumber(value: number, unit: Unit = 'score'): string {
  if (!Number.isFinite(value)) {
    throw new RangeError(
      `formatNumber: value must be finite, got ${value}; record an undefined metric as { value: null, reason }`,
    );
  }
  const text = {
    score: () => value.toFixed(3),
    percent: () => `${(100 * value).toFixed(1)}${PERCENT}`,
    benefit: () => value.toFixed(4),
    ratio: () => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2)),
  }[unit]();
  return text.replace(/^-(0(?:\.0+)?(?:\s%)?)$/, '$1').replace('-', '−');
}

/** 12345 → `12,345`. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `57 (4.0 %)`, or 0. */
export function shareText(count: number, of: number): string {
  return count === 0 ? '0' : `${formatCount(count)} (${formatNumber(count / of, 'percent')})`;
}

/** `p = 0.043`, or `p < 0.001`. */
export function formatPValue(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`;
}

/** A feature's value at whatever scale it has: at most four significant digits. */
export function formatValue(value: number): string {
  return Number(value.toPrecision(4)).toString().replace('-', '−');
}

/** `0.761 (95 % CI 0.722 to 0.798)`, or what is missing with its reason. */
export function estimateText(estimate: Estimate, unit: Unit = 'score'): string {
  if (estimate.value === null) return `undefined: ${estimate.reason}`;
  if (estimate.ci95 === null)
    return `${formatNumber(estimate.value, unit)} (no interval: ${estimate.reason})`;
  const [low, high] = estimate.ci95;
  return `${formatNumber(estimate.value, unit)} (95${PERCENT} CI ${formatNumber(low, unit)} to ${formatNumber(high, unit)})`;
}

/** The same for a table cell, with the interval on its own line and the column head saying "95 % CI". */
export function estimateCell(estimate: Estimate, unit: Unit = 'score'): Markup {
  if (estimate.value === null) return html`<span class="none">undefined: ${estimate.reason}</span>`;
  const value = formatNumber(estimate.value, unit);
  if (estimate.ci95 === null) return html`${value} <span class="none">no interval: ${estimate.reason}</span>`;
  const [low, high] = estimate.ci95.map((bound) => formatNumber(bound, unit).replace(PERCENT, ''));
  return html`${value} <span class="ci">${low} to ${high}</span>`;
}

/** 3725 → `1 h 2 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 1610612736 → `1.50 GB` (10⁹ bytes each). */
export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(0)} MB`;
}

/** `a`, `a and b`, `a, b and c`; past `limit` items the rest is counted. */
export function listing(items: readonly string[], limit = 8): string {
  const shown = items.length > limit ? [...items.slice(0, limit), `${items.length - limit} more`] : items;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
