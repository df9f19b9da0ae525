/** The rows of a cohort while it is being read: numbers in typed arrays, each distinct category once. */
import type { Cohort, CohortSpec } from './cohort.js';
import type { Columns } from './columns.js';
import { growingFloats, growingIntegers } from './growing-array.js';
import type { LabelReader, RowLabels } from './labels.js';
import { indexPatients } from './patients.js';
import type { Row } from './row-reader.js';
import { ownText, StringPool } from './strings.js';
import { collectVisits, type Visits } from './visits.js';

const NO_PATHS: readonly (string | null)[] = [];

/** Rows whose place is not certain, by what is in doubt; indices of the cohort. */
export interface Doubts extends Pick<Visits, 'tied' | 'unordered' | 'timeReversed'> {
  /** Rows whose patient was merged into an earlier one, since both have the same image file. */
  readonly merged: readonly number[];
}

/** Gathers rows column by column. */
export class KeptRows {
  readonly #columns: Columns;
  readonly #history: number;
  readonly #ids: string[] = [];
  readonly #patients: string[] = [];
  readonly #patientPool = new StringPool();
  readonly #lines = growingIntegers();
  readonly #order = growingFloats();
  readonly #time = growingFloats();
  readonly #views: (string | null)[] = [];
  readonly #viewPool = new StringPool();
  readonly #paths: (readonly (string | null)[])[] = [];
  readonly #labels: RowLabels[] = [];
  readonly #numeric;
  readonly #ordinal;
  readonly #categorical;
  readonly #text;

  constructor(spec: CohortSpec, columns: Columns) {
    this.#columns = columns;
    this.#history = spec.history ?? 0;
    this.#numeric = columns.numeric.map(({ name }) => ({ name, values: growingFloats() }));
    this.#ordinal = columns.ordinal.map(({ name, levels }) => ({ name, levels, values: growingFloats() }));
    this.#categorical = columns.categorical.map(({ name }) => ({
      name,
      pool: new StringPool(),
      values: [] as (string | null)[],
    }));
    this.#text = columns.text.map(({ name }) => ({ name, values: [] as (string | null)[] }));
  }

  get size(): number {
    return this.#ids.length;
  }

  add(row: Row): void {
    this.#ids.push(row.id);
    this.#patients.push(row.patient === row.id ? row.id : this.#patientPool.of(row.patient));
    this.#lines.push(row.line);
    if (this.#columns.order !== null) this.#order.push(row.order);
    if (this.#columns.time !== null) this.#time.push(row.time);
    if (this.#columns.view !== null) this.#views.push(row.view && this.#viewPool.of(row.view));
    this.#paths.push(row.paths.length === 0 ? NO_PATHS : row.paths.map((path) => path && ownText(path)));
    this.#labels.push(row.labels);
    this.#numeric.forEach(({ values }, c) => {
      values.push(row.numeric[c]);
    });
    this.#ordinal.forEach(({ values }, c) => {
      values.push(row.ordinal[c]);
    });
    this.#categorical.forEach(({ pool, values }, c) => {
      const value = row.categorical[c];
      values.push(value === null ? null : pool.of(value));
    });
    this.#text.forEach(({ values }, c) => {
      const value = row.text[c];
      values.push(value === null ? null : ownText(value));
    });
  }

  /** The cohort, with the notes of its labels alone; the rows are given away with it. */
  finish(labels: LabelReader): { cohort: Cohort; doubts: Doubts } {
    const paths = this.#paths;
    const { index: patientIndex, merged } = indexPatients(this.#patients, paths);
    const order = this.#columns.order === null ? null : this.#order.finish();
    const { visits, slots, ...doubts } = collectVisits({
      paths,
      view: this.#columns.view === null ? null : this.#views,
      patientIndex,
      order,
      time: this.#columns.time === null ? null : this.#time.finish(),
      history: this.#history,
    });
    const matrix = labels.matrix(this.#labels);
    const cohort = {
      size: this.size,
      ids: this.#ids,
      patients: this.#patients,
      patientIndex,
      lines: this.#lines.finish(),
      order,
      labels: matrix.labels,
      targets: matrix.targets,
      known: matrix.known,
      numeric: [
        ...this.#numeric.map(({ name, values }) => ({
          name,
          kind: 'numeric' as const,
          values: values.finish(),
        })),
        ...this.#ordinal.map(({ name, levels, values }) => ({
          name,
          kind: 'ordinal' as const,
          levels,
          values: values.finish(),
        })),
      ],
      categorical: this.#categorical.map(({ name, values }) => ({ name, values })),
      text: this.#text,
      visits,
      slots,
      notes: matrix.notes,
    };
    return { cohort, doubts: { merged, ...doubts } };
  }
}
