/** Features that number or name rows and patients: they say nothing of new ones. */
import type { Cohort } from '../cohort.js';
import { recordedValues } from '../gather.js';
import { type Finding, makeFinding } from './finding.js';

/** Rows from which a column's uniqueness is no accident. */
const FEWEST_ROWS = 20;
const NEARLY_ALL = 0.9;

/** Findings `identifier:COLUMN`: categories that nearly all occur once, and whole numbers that count the rows. */
export function findIdentifiers({ numeric, categorical, size }: Cohort): Finding[] {
  const names = [
    ...categorical.filter(({ values }) => nearlyUnique(values)).map(({ name }) => name),
    ...numeric.filter(({ kind, values }) => kind === 'numeric' && counts(values)).map(({ name }) => name),
  ];
  return names.map((name) =>
    makeFinding('identifier', 'warning', name, {
      message: `column "${name}" identifies rows: hardly a value of it occurs twice`,
      columns: [name],
      count: size,
      remedy: `take "${name}" out of the features, or name it as data.id`,
    }),
  );
}

function nearlyUnique(values: readonly (string | null)[]): boolean {
  const recorded = values.filter((value) => value !== null);
  return recorded.length >= FEWEST_ROWS && new Set(recorded).size >= NEARLY_ALL * recorded.length;
}

/** Distinct whole numbers that rise, or fall, from nearly every row to the next: 17, 18, 20, … */
function counts(values: Float64Array): boolean {
  const recorded = recordedValues(values);
  if (recorded.length < FEWEST_ROWS || !recorded.every(Number.isInteger)) return false;
  if (new Set(recorded).size < NEARLY_ALL * recorded.length) return false;
  let [rises, falls] = [0, 0];
  for (let i = 1; i < recorded.length; i++) {
    if (recorded[i] > recorded[i - 1]) rises++;
    if (recorded[i] < recorded[i - 1]) falls++;
  }
  return Math.max(rises, falls) >= NEARLY_ALL * (recorded.length - 1);
}
