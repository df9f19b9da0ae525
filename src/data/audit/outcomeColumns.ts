/** Features that are outcomes themselves by their names, and pairs of features one of which all but states the other. */
import type { Cohort } from '../cohort.js';
import { type Finding, makeFinding } from './finding.js';

/** Words of a column name that speak of an outcome or of a diagnosis that was made. */
const outcomeWords = new Set([
  'biopsy',
  'death',
  'deceased',
  'diagnosed',
  'diagnoses',
  'diagnosis',
  'died',
  'discharge',
  'discharged',
  'dx',
  'extubated',
  'finding',
  'findings',
  'histology',
  'icu',
  'intubated',
  'intubation',
  'mortality',
  'outcome',
  'pathology',
  'prognosis',
  'readmission',
  'recurrence',
  'relapse',
  'survival',
  'survived',
  'ventilated',
]);
/** Agreement beyond chance from which two raters agree almost perfectly [landis1977measurement]. */
const ALMOST_PERFECT = 0.8;
/** Patients on the rarer side of both columns from which agreement is no accident. */
const FEWEST = 10;

/** Words of a column name, whatever joins them: "STDs:HPV", "went_icu", "wentIcu". */
export function nameWords(name: string): string[] {
  return (name
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? []) as string[];
}

/** Findings `outcome-name:COLUMN` and, for two yes/no features, `target-proxy:COLUMN>OUTCOME`. */
export function findOutcomeColumns(cohort: Cohort): Finding[] {
  const labels = cohort.labels.map((label) => nameWords(label).join(' ')).filter((name) => name.length > 2);
  const isOutcome = (name: string) => {
    const words = nameWords(name);
    return (
      words.some((word) => outcomeWords.has(word)) ||
      labels.some((label) => ` ${words.join(' ')} `.includes(` ${label} `))
    );
  };
  const columns = [...cohort.numeric, ...cohort.categorical];
  const named = columns
    .filter(({ name }) => isOutcome(name))
    .map(({ name }) =>
      makeFinding('outcome-name', 'warning', name, {
        message: `column "${name}" is a feature and named like an outcome or a diagnosis`,
        columns: [name],
        count: cohort.size,
        remedy: `take "${name}" out of the features unless it is known before the labels are`,
      }),
    );
  const flags = columns.flatMap(({ name, values }) => {
    const flag = flagOf(values);
    return flag === null ? [] : { name, flag };
  });
  const pairs = flags.flatMap((outcome, i) =>
    flags.slice(i + 1).flatMap((other) => {
      if (!isOutcome(outcome.name) && !isOutcome(other.name)) return [];
      const { kappa, differ, both } = agreement(outcome.flag, other.flag);
      if (kappa < ALMOST_PERFECT || both < FEWEST) return [];
      const [target, proxy] = isOutcome(outcome.name) ? [outcome, other] : [other, outcome];
      return makeFinding('target-proxy', 'warning', `${proxy.name}>${target.name}`, {
        message: `columns "${proxy.name}" and "${target.name}" state nearly the same, one of them an outcome by its name: they differ in ${differ} of ${cohort.size} rows`,
        columns: [proxy.name, target.name],
        count: differ,
        lines: cohort.lines.filter(
          (_, row) => proxy.flag[row] >= 0 && target.flag[row] >= 0 && proxy.flag[row] !== target.flag[row],
        ),
        remedy: `take both out of the features if "${target.name}" is an outcome, and never predict one from the other`,
      });
    }),
  );
  return [...pairs, ...named];
}

/** [row] 1 for the rarer of two values, 0 for the other, −1 missing; null for a column with other than two values. */
function flagOf(values: Float64Array | readonly (string | null)[]): Int8Array | null {
  const counts = new Map<string | number, number>();
  for (const value of values) {
    if (value === null || Number.isNaN(value)) continue;
    counts.set(value, (counts.get(value) ?? 0) + 1);
    if (counts.size > 2) return null;
  }
  if (counts.size < 2) return null;
  const [[a, countA], [b, countB]] = [...counts];
  const rarer = countA < countB ? a : b;
  return Int8Array.from(values as readonly (string | number | null)[], (value) =>
    value === null || Number.isNaN(value) ? -1 : value === rarer ? 1 : 0,
  );
}

/**
 * Agreement of two yes/no columns: Cohen's κ over the rows where both are recorded [cohen1960kappa], 0 where it is
 * undefined.
 * @param a [row] 1, 0, or −1 where missing
 * @returns `differ` and `both` count rows that differ, and rows that are 1 in both
 */
export function agreement(a: Int8Array, b: Int8Array): { kappa: number; differ: number; both: number } {
  let [n, onlyA, onlyB, both] = [0, 0, 0, 0];
  a.forEach((value, row) => {
    if (value < 0 || b[row] < 0) return;
    n++;
    if (value === 1 && b[row] === 1) both++;
    else if (value === 1) onlyA++;
    else if (b[row] === 1) onlyB++;
  });
  const [pa, pb] = [(both + onlyA) / n, (both + onlyB) / n];
  const expected = pa * pb + (1 - pa) * (1 - pb);
  const observed = (n - onlyA - onlyB) / n;
  const kappa = n === 0 || expected === 1 ? 0 : (observed - expected) / (1 - expected);
  return { kappa, differ: onlyA + onlyB, both };
}
