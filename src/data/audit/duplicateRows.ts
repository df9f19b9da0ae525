/**
 * Rows that are copies of one another. Small tables repeat rows by chance, so copies of different patients count only
 * where chance does not explain them: the values that they share are too rare, or of the row pairs that agree in every
 * column but one, the most telling, far more agree in that one too than do elsewhere.
 */
import type { Cohort } from '../cohort.js';
import type { Codes } from './codes.js';
import { type Finding, makeFinding } from './finding.js';
import { apart, type Parts } from './parts.js';
import { groupsOf, type RowKeys } from './rowKeys.js';
import { type Surprisals, tellingBits } from './surprisal.js';

/** Chance below which repeats are no coincidence. */
const COINCIDENCE = 0.01;

/** Findings `duplicate-rows:patients` and `duplicate-rows:visits`. */
export function findDuplicateRows(
  cohort: Cohort,
  columns: readonly Codes[],
  bits: Surprisals,
  keys: RowKeys,
  parts: Parts,
): Finding[] {
  const groups = groupsOf(keys.whole);
  const { patientIndex, lines } = cohort;
  const ofOthers: number[] = [];
  const ofSame: number[] = [];
  let straddling = false;
  for (const [first, ...copies] of groups) {
    for (const row of copies) {
      const other = patientIndex[row] !== patientIndex[first];
      (other ? ofOthers : ofSame).push(row);
      straddling ||= other && apart(parts, first, row);
    }
  }
  const found = (about: string, severity: Finding['severity'], rows: readonly number[], message: string) =>
    makeFinding('duplicate-rows', severity, about, {
      message,
      count: rows.length,
      lines: rows.map((row) => lines[row]),
      remedy: 'leave the copies out: set data.dropDuplicateRows to true',
    });
  const findings: Finding[] = [];
  if (ofOthers.length > 0) {
    const rare = ofOthers.some(
      (row) => columns.reduce((sum, column) => sum + bits.get(column)![row], 0) >= tellingBits(cohort.size),
    );
    const chance = rare ? 0 : coincidence(columns, keys, groups);
    const what = 'rows equal an earlier row of another patient in every feature and label';
    if (chance > COINCIDENCE)
      findings.push(found('patients', 'note', ofOthers, `${what}, no more than chance explains`));
    else if (straddling)
      findings.push(
        found('patients', 'serious', ofOthers, `${what}, and copies lie in two parts of a split`),
      );
    else findings.push(found('patients', 'warning', ofOthers, what));
  }
  if (ofSame.length > 0) {
    const what = 'rows equal an earlier row of the same patient in every feature and label, and count twice';
    findings.push(found('visits', 'warning', ofSame, what));
  }
  return findings;
}

/**
 * Chance of as many repeats as there are: a binomial tail over the pairs that agree in all columns but the one in which
 * pairs agree least; its rate is the largest share of agreement in that column among pairs that agree in another.
 */
function coincidence(
  columns: readonly Codes[],
  keys: RowKeys,
  groups: readonly (readonly number[])[],
): number {
  const repeats = pairCount(groups);
  const telling = columns.reduce((best, column) => (column.agreement < best.agreement ? column : best));
  const agreeing = pairCount(groupsOf(keys.without(telling)));
  const n = telling.codes.length;
  const pairs = (n * (n - 1)) / 2;
  const rates = columns
    // In a column in which hardly any pair agrees but the copies, copies would vouch for themselves.
    .filter((column) => column !== telling && column.agreement >= Math.min(0.1, (20 * repeats) / pairs))
    .map((column) => jointAgreement(column, telling) / column.agreement);
  const rate = Math.min(1, Math.max(telling.agreement - repeats / pairs, ...rates, 1 / pairs));
  // The pairs of n rows are worth about n / 2 independent ones.
  const trials = Math.min(agreeing, n / 2);
  return binomialTail((repeats / agreeing) * trials, trials, rate);
}

/** Share of row pairs that agree in both columns. */
function jointAgreement(a: Codes, b: Codes): number {
  const counts = new Map<number, number>();
  const n = a.codes.length;
  const width = b.count;
  a.codes.forEach((value, row) => {
    const cell = value * width + b.codes[row];
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  });
  let sum = 0;
  for (const count of counts.values()) sum += count * (count - 1);
  return sum / (n * (n - 1));
}

function pairCount(groups: readonly (readonly number[])[]): number {
  return groups.reduce((sum, { length }) => sum + (length * (length - 1)) / 2, 0);
}

/** P(X ≥ hits) for X binomial, by Chernoff's bound: never below the exact value [chernoff1952measure]. */
function binomialTail(hits: number, trials: number, rate: number): number {
  const share = hits / trials;
  if (share <= rate) return 1;
  const term = (p: number, q: number) => (p === 0 ? 0 : p * Math.log(p / q));
  return Math.exp(-trials * (term(share, rate) + term(1 - share, 1 - rate)));
}
