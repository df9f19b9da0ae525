/** Later visits that inform earlier ones: through history, through an order that runs backwards, through columns. */
import type { Cohort, NumericColumn } from '../cohort.js';
import { rowsByPatient } from '../visits.js';
import { type Finding, makeFinding } from './finding.js';

/** Informative pairs of visits from which foresight is no accident, and the share of them that must fit. */
const FEWEST_PAIRS = 20;
const NEARLY_ALL = 0.95;

/** A visit and the patient's next one, as rows. */
type Pair = readonly [earlier: number, later: number];

/** What visit order is used for and compared with. */
export interface VisitTimes {
  /** Per row, NaN where missing; null without a time column that is not the order itself. */
  readonly time: Float64Array | null;
  /** True where order decides what a row sees: history, forward fill. */
  readonly used: boolean;
}

/** Findings `later-visit…` and `visit-order`. */
export function findLaterVisits(cohort: Cohort, times: VisitTimes): Finding[] {
  const { order } = cohort;
  if (order === null) return [];
  const pairs = consecutive(cohort.patientIndex, order);
  return [
    ...laterImages(cohort, order),
    ...backwards(cohort, pairs, times),
    ...foresight(cohort, pairs),
    ...visitTotals(cohort),
  ];
}

/** Each patient's visits with the next visit of strictly greater order. */
function consecutive(patientIndex: Int32Array, order: Float64Array): Pair[] {
  return rowsByPatient(patientIndex).flatMap((rows) => {
    const ordered = rows.filter((row) => !Number.isNaN(order[row])).sort((a, b) => order[a] - order[b]);
    return ordered.flatMap((row, i): Pair[] => {
      const next = ordered.find((other, j) => j > i && order[other] > order[row]);
      return next === undefined ? [] : [[row, next]];
    });
  });
}

function laterImages({ visits, lines }: Cohort, order: Float64Array): Finding[] {
  const rows = visits.flatMap((ofRow, row) =>
    ofRow.some((visit) => visit.row !== row && !(order[visit.row] < order[row])) ? [row] : [],
  );
  if (rows.length === 0) return [];
  return [
    makeFinding('later-visit', 'serious', 'images', {
      message: 'rows see the images of a visit that is not earlier than their own',
      count: rows.length,
      lines: rows.map((row) => lines[row]),
      remedy: 'read the table with loadCohort, which lends earlier images only',
    }),
  ];
}

function backwards({ lines }: Cohort, pairs: readonly Pair[], { time, used }: VisitTimes): Finding[] {
  if (time === null) return [];
  const moved = pairs.filter(([a, b]) => time[a] !== time[b] && !Number.isNaN(time[a] + time[b]));
  const reversed = moved.filter(([a, b]) => time[b] < time[a]);
  if (reversed.length === 0) return [];
  const mostly = 2 * reversed.length > moved.length && moved.length >= FEWEST_PAIRS;
  return [
    makeFinding('visit-order', mostly && used ? 'serious' : 'warning', '', {
      message: mostly
        ? 'visits run backwards: in most pairs of visits the later one by data.order is earlier by data.time'
        : 'visits are later by data.order and earlier by data.time than the one before',
      count: reversed.length,
      lines: reversed.map(([, row]) => lines[row]),
      remedy: 'name an order column that rises with time, or mend the times of these rows',
    }),
  ];
}

/** Columns that already hold at one visit what a label or another column becomes at the next. */
function foresight(cohort: Cohort, pairs: readonly Pair[]): Finding[] {
  const { numeric, labels, targets, known, size } = cohort;
  const L = labels.length;
  const answers = labels.map((label, l) => ({
    name: label,
    values: Float64Array.from({ length: size }, (_, row) =>
      known[row * L + l] === 1 ? targets[row * L + l] : Number.NaN,
    ),
  }));
  const shiftedBack = endsMissing(pairs);
  return numeric.flatMap((column) =>
    [...answers, ...numeric.filter((later) => shiftedBack(column.values, later.values))]
      .filter((later) => later.name !== column.name && foresees(column.values, later.values, pairs))
      .map((later) =>
        makeFinding('later-visit', 'serious', `${column.name}>${later.name}`, {
          message: `column "${column.name}" holds at one visit what "${later.name}" becomes at the patient's next`,
          columns: [column.name],
          count: pairs.length,
          lines: pairs.map(([row]) => cohort.lines[row]),
          remedy: `take "${column.name}" out of the features, or shift it to the visit at which it was known`,
        }),
      ),
  );
}

/**
 * Tells x as y of the next visit from y as x of the visit before, which is no leak: the first is missing at last visits,
 * the second at first visits.
 */
function endsMissing(pairs: readonly Pair[]): (x: Float64Array, y: Float64Array) => boolean {
  const withNext = new Set(pairs.map(([row]) => row));
  const withBefore = new Set(pairs.map(([, next]) => next));
  const last = [...withBefore].filter((row) => !withNext.has(row));
  const first = [...withNext].filter((row) => !withBefore.has(row));
  const missing = (values: Float64Array, rows: readonly number[]) =>
    rows.filter((row) => Number.isNaN(values[row])).length / rows.length;
  return (x, y) => missing(x, last) >= NEARLY_ALL && missing(y, first) < NEARLY_ALL;
}

/** x at a visit equals y at the next, also where y changes; what merely mirrors y fails where it does not. */
function foresees(x: Float64Array, y: Float64Array, pairs: readonly Pair[]): boolean {
  const tolerated = (1 - NEARLY_ALL) * pairs.length;
  let [changes, hits, others, steady] = [0, 0, 0, 0];
  for (const [row, next] of pairs) {
    if (Number.isNaN(x[row]) || Number.isNaN(y[row]) || Number.isNaN(y[next])) continue;
    const hit = x[row] === y[next] ? 1 : 0;
    if (y[next] !== y[row]) {
      changes++;
      hits += hit;
    } else {
      others++;
      steady += hit;
    }
    if (changes + others - hits - steady > tolerated) return false;
  }
  return changes >= FEWEST_PAIRS && hits >= NEARLY_ALL * changes && steady >= NEARLY_ALL * others;
}

/** Columns that count a patient's visits before they have happened. */
function visitTotals(cohort: Cohort): Finding[] {
  const patients = rowsByPatient(cohort.patientIndex);
  const several = patients.filter((rows) => rows.length > 1);
  const differing = new Set(several.map((rows) => rows.length)).size > 1 || several.length < patients.length;
  if (several.length < FEWEST_PAIRS || !differing) return [];
  const counts = ({ values }: NumericColumn, rows: readonly number[]) =>
    rows.every((row) => values[row] === rows.length);
  return cohort.numeric
    .filter((column) => {
      const right = (groups: readonly number[][]) => groups.filter((rows) => counts(column, rows)).length;
      return right(several) >= NEARLY_ALL * several.length && right(patients) >= NEARLY_ALL * patients.length;
    })
    .map(({ name }) =>
      makeFinding('later-visit', 'serious', name, {
        message: `column "${name}" holds at every visit how many visits the patient has in all`,
        columns: [name],
        count: several.length,
        lines: several.map(([row]) => cohort.lines[row]),
        remedy: `take "${name}" out of the features; it is known only after the last visit`,
      }),
    );
}
