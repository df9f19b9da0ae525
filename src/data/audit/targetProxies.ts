/**
 * Features that give a label away. Three kinds of evidence, all by patient and bounded for all columns and labels
 * together: a column each value of which goes with one answer only, a value that acts like a positive test of the label,
 * and a column that ranks the label almost perfectly out of fold.
 */
import type { Cohort } from '../cohort.js';
import {
  aurocExcess,
  FAMILY_ERROR,
  familyQuantile,
  likelihoodRatio,
  likelihoodRatioBound,
} from './evidence.js';
import { type Finding, makeFinding, type Severity } from './finding.js';
import { cohortLevels, type Levels, MOST_EXACT } from './levels.js';
import type { AuditSample } from './sample.js';

/** A sign above 10 is often conclusive, above 5 moderate evidence; the bounds keep chance out. */
export const conclusive = { ratio: 10, bound: 3 } as const;
const moderate = { ratio: 5, bound: 2 } as const;
/** A sign that fewer patients with the label bear proves nothing, and with a smaller share of them cannot carry a result. */
const fewestPatients = 5;
export const leastShare = 0.2;
/** An AUROC from which one column is said to determine a label, nearly or in great part, and what it must surely exceed. */
const determined = { serious: 0.95, warning: 0.9, surely: 0.8 } as const;

/** [fold][level] weights of positive and of all rows whose label is known. */
interface Tally {
  readonly folds: readonly { readonly positives: Float64Array; readonly all: Float64Array }[];
  readonly positives: number;
  readonly negatives: number;
}

/** Findings `target-proxy:COLUMN>LABEL`. */
export function findTargetProxies(cohort: Cohort, sample: AuditSample): Finding[] {
  const columns = cohortLevels(cohort, sample);
  const tests = columns.map((column) => 1 + signs(column).length).reduce((a, b) => a + b, 0);
  const z = familyQuantile(tests * cohort.labels.length);
  return columns.flatMap((column) =>
    cohort.labels.flatMap((label, l) => {
      const tally = tallyLevels(column, cohort, l, sample);
      if (tally.positives === 0 || tally.negatives === 0) return [];
      const evidence = [
        decision(column, tally, tests * cohort.labels.length),
        bestSign(column, tally, z),
        ranking(tally, z),
      ].filter((found) => found !== null);
      const found = evidence.find(({ severity }) => severity === 'serious') ?? evidence[0];
      if (found === undefined) return [];
      return makeFinding('target-proxy', found.severity, `${column.name}>${label}`, {
        message: `column "${column.name}" gives label "${label}" away: ${found.message}`,
        columns: [column.name],
        count: found.count,
        remedy: `take "${column.name}" out of the features unless it is known before "${label}" is`,
      });
    }),
  );
}

/** Levels that may act as a sign: recorded values, and in any column that the value is missing. */
function signs({ count, missing, exact }: Levels): number[] {
  if (!exact) return missing < 0 ? [] : [missing];
  return count < 2 ? [] : Array.from({ length: count }, (_, level) => level);
}

function tallyLevels(
  { codes, count }: Levels,
  { labels, targets, known }: Cohort,
  label: number,
  { rows, weights, fold, folds }: AuditSample,
): Tally {
  const parts = Array.from({ length: folds }, () => ({
    positives: new Float64Array(count),
    all: new Float64Array(count),
  }));
  const totals = { positives: 0, negatives: 0 };
  for (let i = 0; i < rows.length; i++) {
    const cell = rows[i] * labels.length + label;
    if (known[cell] === 0) continue;
    const part = parts[fold[i]];
    part.all[codes[i]] += weights[i];
    if (targets[cell] === 1) part.positives[codes[i]] += weights[i];
    totals[targets[cell] === 1 ? 'positives' : 'negatives'] += weights[i];
  }
  return { folds: parts, ...totals };
}

interface Evidence {
  readonly severity: Severity;
  readonly message: string;
  readonly count: number;
}

/** Each recorded value goes with the label, or with its absence, in so many patients that chance would not do it. */
function decision({ exact, count, missing }: Levels, { folds }: Tally, tests: number): Evidence | null {
  if (!exact || count - (missing < 0 ? 0 : 1) > MOST_EXACT) return null;
  let [positives, negatives, levels] = [0, 0, 0];
  for (let level = 0; level < count; level++) {
    if (level === missing) continue;
    const all = folds.reduce((sum, part) => sum + part.all[level], 0);
    const present = folds.reduce((sum, part) => sum + part.positives[level], 0);
    if (present > 0 && folds.some((part) => part.positives[level] < part.all[level])) return null;
    positives += present;
    negatives += all - present;
    levels += all > 0 ? 1 : 0;
  }
  if (Math.min(positives, negatives) < fewestPatients) return null;
  // Ways to choose the positives, over ways to call levels positive.
  let bits = -levels;
  const n = Math.floor(positives + negatives);
  for (let i = 0; i < Math.floor(Math.min(positives, negatives)); i++) bits += Math.log2((n - i) / (i + 1));
  if (bits < Math.log2(tests / FAMILY_ERROR)) return null;
  return {
    severity: 'serious',
    message: 'each of its values goes with one answer only',
    count: n,
  };
}

function bestSign(column: Levels, { folds, positives, negatives }: Tally, z: number): Evidence | null {
  let best: (Evidence & { readonly bound: number }) | null = null;
  for (const level of signs(column)) {
    const all = folds.reduce((sum, part) => sum + part.all[level], 0);
    const positivesWithSign = folds.reduce((sum, part) => sum + part.positives[level], 0);
    const counts = { positives, negatives, positivesWithSign, negativesWithSign: all - positivesWithSign };
    const ratio = likelihoodRatio(counts);
    const bound = likelihoodRatioBound(counts, z);
    if (positivesWithSign < fewestPatients) continue;
    if (ratio === null || ratio < moderate.ratio || bound < Math.max(moderate.bound, best?.bound ?? 0))
      continue;
    const share = positivesWithSign / positives;
    const severe = ratio >= conclusive.ratio && bound >= conclusive.bound && share >= leastShare;
    const what = level === column.missing ? 'that it is missing is' : 'one of its values is';
    const times = Number.isFinite(ratio) ? `${ratio.toFixed(1)} times as frequent` : 'found only';
    best = {
      bound,
      severity: severe ? 'serious' : 'warning',
      message: `${what} ${times} among patients with the label, surely more than ${bound.toFixed(1)} times, and ${Math.round(100 * share)} % of them have it`,
      count: Math.round(all),
    };
  }
  return best;
}

function ranking(tally: Tally, z: number): Evidence | null {
  const { positives, negatives } = tally;
  const auroc = heldOutAuroc(tally);
  if (auroc === null || auroc < determined.warning) return null;
  if (aurocExcess(auroc, determined.surely, positives, negatives) < z) return null;
  return {
    severity: auroc >= determined.serious ? 'serious' : 'warning',
    message: `it alone ranks the label with an AUROC of ${auroc.toFixed(3)} out of fold, surely more than ${determined.surely}`,
    count: Math.round(positives + negatives),
  };
}

/**
 * AUROC within folds, pairs of all folds pooled, when a level scores its share of positives in the other folds. No row
 * scores itself, so a level that few patients have says nothing.
 * @returns in [0, 1]; null where no fold has both classes
 */
function heldOutAuroc({ folds, positives, negatives }: Tally): number | null {
  const prior = positives / (positives + negatives);
  let [wins, pairs] = [0, 0];
  for (const held of folds) {
    const scored = Array.from(held.all.keys()).map((level) => {
      const others = folds.filter((part) => part !== held);
      const all = others.reduce((sum, part) => sum + part.all[level], 0);
      const hits = others.reduce((sum, part) => sum + part.positives[level], 0);
      const positive = held.positives[level];
      return { score: (hits + prior) / (all + 1), positive, negative: held.all[level] - positive };
    });
    scored.sort((a, b) => a.score - b.score);
    let below = 0;
    for (let i = 0; i < scored.length; ) {
      let [positive, negative] = [0, 0];
      const { score } = scored[i];
      for (; i < scored.length && scored[i].score === score; i++) {
        positive += scored[i].positive;
        negative += scored[i].negative;
      }
      wins += positive * (below + negative / 2);
      below += negative;
    }
    pairs += below * scored.reduce((sum, { positive }) => sum + positive, 0);
  }
  return pairs === 0 ? null : wins / pairs;
}
