/**
 * Iterative stratification for multilabel data [sechidis2011stratification, fig. 1], over patients instead
 * of rows. Intended deviations: a patient weighs as many examples of a label as it has rows with it, heavy
 * patients are dealt first, and a label's known negatives are a stratum of their own where they are the
 * rarer class or where the label is unknown in some rows.
 */
import type { Random } from '../random/index.js';
import type { Cohort } from './cohort.js';

/** Patients as what stratification deals: P patients, S strata. */
export interface PatientStrata {
  /** [P] rows of each patient. */
  readonly rows: Float64Array;
  /** [P, S] rows of each patient in each stratum. */
  readonly counts: Float64Array;
  readonly strata: number;
}

/** What of a cohort a split looks at. */
export type SplitSource = Pick<
  Cohort,
  'size' | 'ids' | 'patients' | 'patientIndex' | 'labels' | 'targets' | 'known'
>;

/**
 * Strata of the given rows. Patients without any of these rows have 0 rows.
 * @param rows row indices that are to be dealt
 */
export function patientStrata(cohort: SplitSource, rows: Int32Array): PatientStrata {
  const L = cohort.labels.length;
  const inStratum: ((row: number) => boolean)[] = [];
  for (let l = 0; l < L; l++) {
    const known = (row: number) => cohort.known[row * L + l] === 1;
    const positive = (row: number) => known(row) && cohort.targets[row * L + l] === 1;
    const negative = (row: number) => known(row) && cohort.targets[row * L + l] === 0;
    const negatives = rows.filter(negative).length;
    const positives = rows.filter(positive).length;
    inStratum.push(positive);
    if (negatives < positives || negatives + positives < rows.length) inStratum.push(negative);
  }
  const strata = inStratum.length;
  const patients = cohort.patientIndex.reduce((most, patient) => Math.max(most, patient + 1), 0);
  const perPatient = new Float64Array(patients);
  const counts = new Float64Array(patients * strata);
  for (const row of rows) {
    const patient = cohort.patientIndex[row];
    perPatient[patient]++;
    for (let s = 0; s < strata; s++) if (inStratum[s](row)) counts[patient * strata + s]++;
  }
  return { rows: perPatient, counts, strata };
}

/**
 * Deals patients into parts so that each part gets its share of every stratum: the stratum with the fewest
 * patients left is dealt first, each patient to the part that lacks most of it, on a tie to the part that
 * lacks most rows, then at random.
 * @param ratios share of each part, > 0, summing to 1
 * @returns [P] part of each patient, −1 for patients without rows
 */
export function dealPatients(
  { rows, counts, strata }: PatientStrata,
  ratios: readonly number[],
  random: Random,
): Int8Array {
  const part = new Int8Array(rows.length).fill(-1);
  const shuffled = random.shuffle(Array.from(rows.keys()).filter((patient) => rows[patient] > 0));
  const lackingRows = ratios.map(
    (ratio) => ratio * shuffled.reduce((sum, patient) => sum + rows[patient], 0),
  );
  const lacking = Array.from({ length: strata }, (_, s) => {
    const total = shuffled.reduce((sum, patient) => sum + counts[patient * strata + s], 0);
    return ratios.map((ratio) => ratio * total);
  });
  const deal = (patient: number, preference: readonly number[]): void => {
    const most = largest(
      Array.from(ratios.keys()),
      (j) => preference[j],
      (j) => lackingRows[j],
    );
    const chosen = most.length === 1 ? most[0] : most[random.integer(most.length)];
    part[patient] = chosen;
    lackingRows[chosen] -= rows[patient];
    for (let s = 0; s < strata; s++) lacking[s][chosen] -= counts[patient * strata + s];
  };
  const remaining = (s: number) =>
    shuffled.filter((patient) => part[patient] < 0 && counts[patient * strata + s] > 0);
  for (;;) {
    let rarest: { stratum: number; patients: number[] } | null = null;
    for (let s = 0; s < strata; s++) {
      const patients = remaining(s);
      if (patients.length > 0 && (rarest === null || patients.length < rarest.patients.length)) {
        rarest = { stratum: s, patients };
      }
    }
    if (rarest === null) break;
    const { stratum, patients } = rarest;
    patients.sort((a, b) => counts[b * strata + stratum] - counts[a * strata + stratum]);
    for (const patient of patients) deal(patient, lacking[stratum]);
  }
  const unlabelled = shuffled.filter((patient) => part[patient] < 0).sort((a, b) => rows[b] - rows[a]);
  for (const patient of unlabelled) deal(patient, lackingRows);
  return part;
}

/** The items with the largest key, and among those the largest second key. */
function largest(
  items: readonly number[],
  first: (item: number) => number,
  second: (item: number) => number,
): number[] {
  const best = Math.max(...items.map(first));
  const top = items.filter((item) => first(item) === best);
  const bestOfTop = Math.max(...top.map(second));
  return top.filter((item) => second(item) === bestOfTop);
}
