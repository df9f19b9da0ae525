/** Reading the cells of one row, strictly. */
import type { CohortSpec } from './cohort.js';
import type { Column, Columns } from './columns.js';
import type { LabelReader, RowLabels } from './labels.js';
import { ownText } from './strings.js';
import { readLevel, readNumber, readRequired, readText } from './values.js';
import { type FileIndex, imagePaths } from './visits.js';

/** One row, read. */
export interface Row {
  readonly line: number;
  /** Free of the text around it, since ids are kept to be compared. */
  readonly id: string;
  readonly patient: string;
  /** NaN where missing, or without such a column. */
  readonly order: number;
  readonly time: number;
  readonly view: string | null;
  readonly paths: readonly (string | null)[];
  readonly labels: RowLabels;
  readonly numeric: readonly number[];
  readonly ordinal: readonly number[];
  readonly categorical: readonly (string | null)[];
  readonly text: readonly (string | null)[];
  /** Columns whose value is outside its valid range and so counts as missing, each once. */
  readonly outOfRange: readonly string[];
  /** Image columns that name a file which is not on disk, where that is allowed. */
  readonly absentViews: readonly string[];
}

/** What every row is read with. */
export interface RowSpec {
  readonly spec: CohortSpec;
  readonly columns: Columns;
  readonly missing: ReadonlySet<string>;
  readonly labels: LabelReader;
  readonly exists: FileIndex;
}

/**
 * A function that reads one row from its cells.
 * @throws BadRow (when it is called) for a cell that is not what its column says
 */
export function rowReader(reading: RowSpec): (cells: readonly string[], line: number) => Row {
  const { spec, columns, missing, labels, exists } = reading;
  const { id, patient, view } = columns;
  const ranged = (column: Column) => ({ ...column, range: columns.valid.get(column.name) });
  const [order, time] = [columns.order, columns.time].map((column) => column && ranged(column));
  const numeric = columns.numeric.map(ranged);
  const mayLackImages = spec.images?.present || spec.images?.absentIsMissing;
  return (cells, line) => {
    const outOfRange: string[] = [];
    const numberIn = (column: ReturnType<typeof ranged> | null): number => {
      if (column === null) return Number.NaN;
      const { range } = column;
      const value = readNumber(cells[column.index], missing, column.name);
      if (range === undefined || Number.isNaN(value) || (value >= range[0] && value <= range[1]))
        return value;
      if (!outOfRange.includes(column.name)) outOfRange.push(column.name);
      return Number.NaN;
    };
    const rowId =
      id === null ? `row-${line}` : ownText(readRequired(cells[id.index], missing, id.name, 'missing-id'));
    const row = {
      line,
      id: rowId,
      patient:
        patient === null
          ? rowId
          : readRequired(cells[patient.index], missing, patient.name, 'missing-patient'),
      order: numberIn(order),
      time: numberIn(time),
      view: view === null ? null : readText(cells[view.index], missing),
      paths: spec.images === undefined ? [] : imagePaths(cells, columns.images, spec.images, missing, exists),
      labels: labels.read(cells),
      numeric: numeric.map(numberIn),
      ordinal: columns.ordinal.map(({ name, index, levels }) =>
        readLevel(cells[index], levels, missing, name),
      ),
      categorical: columns.categorical.map(({ index }) => readText(cells[index], missing)),
      text: columns.text.map(({ index }) => readText(cells[index], missing)),
      outOfRange,
    };
    const isAbsent = ({ index }: Column, v: number) => row.paths[v] === null && !missing.has(cells[index]);
    const absentViews = mayLackImages ? columns.images.filter(isAbsent).map(({ name }) => name) : [];
    return { ...row, absentViews };
  };
}
