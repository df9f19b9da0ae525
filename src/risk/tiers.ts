/**
 * Risk tiers (P7): cut points on calibrated probability, chosen on validation rows, and declared rules that raise a tier.
 * What was observed in each tier is in `tier-table.ts`.
 */
import { ConfigError, NotFittedError, ShapeError } from '../errors.js';
import type { Stage1Features } from './features.js';
import type { Stage1Note } from './note.js';
import { checkOverrides, firesOverride, type TierOverride } from './overrides.js';

/** Tier names by the number that stands for them. */
export const tierNames = ['low', 'medium', 'high'] as const;
export type TierName = (typeof tierNames)[number];

export interface TierPolicy {
  /** Sensitivity that "at least medium" must keep, in (0, 1). Default 0.9. */
  readonly lowSensitivity: number;
  /** What "high" must guarantee. Default `specificity`. */
  readonly high: 'specificity' | 'ppv';
  /** Least value of `high`, in (0, 1). Default 0.9. */
  readonly highValue: number;
  /** Default none. */
  readonly overrides: readonly TierOverride[];
  /** Label → table columns that state its diagnosis; they may not raise its tier. Default none. */
  readonly diagnosisColumns: Readonly<Record<string, readonly string[]>>;
}

/** Fitted cut points; plain JSON. */
export interface TierModel {
  readonly format: 'medfusion-tiers';
  readonly version: 1;
  readonly policy: TierPolicy;
  readonly labels: readonly TierCuts[];
  readonly notes: readonly Stage1Note[];
}

/** Low: p < low. High: p ≥ high. Medium: between. */
export interface TierCuts {
  readonly label: string;
  /** Null: nobody is low. */
  readonly low: number | null;
  /** Null: nobody is high by probability; overrides may still raise. */
  readonly high: number | null;
}

const defaults: TierPolicy = {
  lowSensitivity: 0.9,
  high: 'specificity',
  highValue: 0.9,
  overrides: [],
  diagnosisColumns: {},
};

/**
 * Chooses the cut points of every label. Low ends at the highest cut whose "at least medium" keeps `lowSensitivity`; high
 * starts at the lowest cut that reaches `highValue`, never below the end of low. Cuts lie halfway between neighbouring
 * validation probabilities. Where a label lacks a class, everybody is medium and a note says so.
 * @param probabilities [n, L] calibrated, in [0, 1], validation rows with natural prevalence
 * @param targets [n, L] 1 = finding present
 * @param known [n, L] 1 = recorded
 * @throws ShapeError when sizes differ; RangeError for a probability outside [0, 1]; ConfigError for an impossible policy
 */
export function fitTiers(
  probabilities: Float64Array,
  targets: Float32Array,
  known: Uint8Array,
  labels: readonly string[],
  settings: Partial<TierPolicy> = {},
): TierModel {
  const policy = { ...defaults, ...settings };
  checkPolicy(policy, labels);
  checkProbabilities('fitTiers', probabilities, labels.length);
  if (targets.length !== probabilities.length || known.length !== probabilities.length) {
    throw new ShapeError(
      `fitTiers: targets and known must match the ${probabilities.length} probabilities, got ${targets.length} and ${known.length}; pass the same rows`,
    );
  }
  const notes: Stage1Note[] = [];
  const cuts = labels.map((label, l) => {
    const rows: { p: number; positive: boolean }[] = [];
    for (let cell = l; cell < known.length; cell += labels.length) {
      if (known[cell] === 1) rows.push({ p: probabilities[cell], positive: targets[cell] === 1 });
    }
    return fitCuts(label, rows, policy, notes);
  });
  return { format: 'medfusion-tiers', version: 1, policy, labels: cuts, notes };
}

/**
 * The tier of every row and label.
 * @param probabilities [n, L] calibrated
 * @param features of the same rows; needed when the policy declares overrides
 * @returns [n, L] 0 low, 1 medium, 2 high
 * @throws ConfigError when overrides lack their table or column; NotFittedError for a model of another version
 */
export function assignTiers(
  model: TierModel,
  probabilities: Float64Array,
  features?: Stage1Features,
): Uint8Array {
  if (model.format !== 'medfusion-tiers' || model.version !== 1) {
    throw new NotFittedError(
      `assignTiers: the model must be medfusion-tiers version 1, got ${model.format} version ${model.version}; fit it again`,
    );
  }
  const count = model.labels.length;
  checkProbabilities('assignTiers', probabilities, count);
  const tiers = Uint8Array.from(probabilities, (p, cell) => {
    const { low, high } = model.labels[cell % count];
    if (high !== null && p >= high) return 2;
    return low !== null && p < low ? 0 : 1;
  });
  const { overrides } = model.policy;
  if (overrides.length === 0) return tiers;
  if (features === undefined || features.size * count !== probabilities.length) {
    throw new ConfigError(
      `assignTiers: the policy's ${overrides.length} overrides read table columns, got ${features === undefined ? 'no table' : `${features.size} rows`} for ${probabilities.length / count} rows; pass the rows' features`,
      'tiers.overrides',
    );
  }
  for (const override of overrides) {
    const fires = firesOverride(override, features);
    const least = tierNames.indexOf(override.tier);
    model.labels.forEach(({ label }, l) => {
      if (override.label !== undefined && override.label !== label) return;
      for (let row = 0; row < fires.length; row++) {
        if (fires[row] === 1) tiers[row * count + l] = Math.max(tiers[row * count + l], least);
      }
    });
  }
  return tiers;
}

/** The highest tier over a row's labels. @param tiers [n, L] @returns [n] */
export function overallTiers(tiers: Uint8Array, labels: number): Uint8Array {
  return Uint8Array.from({ length: tiers.length / labels }, (_, row) =>
    Math.max(...tiers.subarray(row * labels, (row + 1) * labels)),
  );
}

function fitCuts(
  label: string,
  rows: { p: number; positive: boolean }[],
  policy: TierPolicy,
  notes: Stage1Note[],
): TierCuts {
  const positives = rows.filter((row) => row.positive).length;
  const negatives = rows.length - positives;
  if (positives === 0 || negatives === 0) {
    notes.push({
      code: 'tier-one-class',
      message: `label "${label}" has ${positives} positives and ${negatives} negatives among the validation rows; no cut can be chosen and everybody is medium`,
    });
    return { label, low: null, high: null };
  }
  rows.sort((a, b) => b.p - a.p);
  // Rounding must not ask for one positive more: 0.9 · 10 is 9.
  const needed = Math.ceil(policy.lowSensitivity * positives - 1e-9);
  let low: number | null = null;
  let high: number | null = null;
  let truePositives = 0;
  for (let i = 0; i < rows.length; i++) {
    if (rows[i].positive) truePositives++;
    const next = rows[i + 1]?.p;
    if (next === rows[i].p) continue;
    const cut = next === undefined ? rows[i].p : halfway(next, rows[i].p);
    if (low === null && truePositives >= needed) low = cut;
    const reached = policy.high === 'ppv' ? truePositives / (i + 1) : 1 - (i + 1 - truePositives) / negatives;
    if (reached >= policy.highValue - 1e-12) high = cut;
  }
  if (high === null) {
    notes.push({
      code: 'tier-no-high',
      message: `label "${label}": no cut reaches a ${policy.high} of ${policy.highValue} on the validation rows; nobody is high by probability`,
    });
  } else if (low !== null && high <= low) {
    notes.push({
      code: 'tier-no-medium',
      message: `label "${label}": ${policy.high} ${policy.highValue} holds already where sensitivity ${policy.lowSensitivity} ends; high starts there and nobody is medium by probability`,
    });
    high = low;
  }
  return { label, low, high };
}

/** A number in (below, above]: the middle, or `above` where no double lies between. */
function halfway(below: number, above: number): number {
  const middle = below + (above - below) / 2;
  return middle > below ? middle : above;
}

function checkPolicy(policy: TierPolicy, labels: readonly string[]): void {
  for (const key of ['lowSensitivity', 'highValue'] as const) {
    if (!(policy[key] > 0 && policy[key] < 1)) {
      throw new ConfigError(
        `fitTiers: tiers.${key} must lie between 0 and 1, got ${policy[key]}; 0.9 is usual`,
        `tiers.${key}`,
      );
    }
  }
  if (policy.high !== 'specificity' && policy.high !== 'ppv') {
    throw new ConfigError(
      `fitTiers: tiers.high must be specificity or ppv, got "${policy.high}"`,
      'tiers.high',
    );
  }
  checkOverrides(policy.overrides, labels, policy.diagnosisColumns);
}

function checkProbabilities(caller: string, probabilities: Float64Array, labels: number): void {
  if (labels === 0 || probabilities.length % labels !== 0) {
    throw new ShapeError(
      `${caller}: probabilities must hold whole rows of ${labels} labels, got ${probabilities.length} values`,
    );
  }
  const bad = probabilities.findIndex((p) => !(p >= 0 && p <= 1));
  if (bad >= 0) {
    throw new RangeError(
      `${caller}: probabilities must lie in [0, 1], got ${probabilities[bad]} in row ${Math.floor(bad / labels)}; calibrate logits first`,
    );
  }
}
