/** The table an evaluation reads: its checks, and the cells of one label in one cross-validation repeat. */
import { ShapeError } from '../errors.js';
import { denseClusters } from './bootstrap.js';
import type { Cells } from './statistic.js';

/** Predictions beside what happened; matrices are row-major. */
export interface MultilabelPredictions {
  /** Names of the labels, unique. */
  readonly labels: readonly string[];
  /** [row, label] in [0, 1]; read only where known. */
  readonly probabilities: Float64Array;
  /** [row, label] 0 or 1, at thresholds chosen on validation rows; read only where known. */
  readonly decisions: Uint8Array;
  /** [row, label] 0 or 1; read only where known. */
  readonly targets: Float32Array | Float64Array | Uint8Array;
  /** [row, label] 1 = recorded, 0 = unknown. */
  readonly known: Uint8Array;
  /** [row] index of the patient, any integers. */
  readonly patients: Int32Array;
  /**
   * [row] index of the cross-validation repeat. Each repeat holds every row once, out of fold. Metrics are computed
   * per repeat over its pooled rows, then averaged; a resample draws the same patients in every repeat.
   */
  readonly repeat?: Int32Array;
}

/** @throws ShapeError when an array's length does not fit; RangeError for an entry out of range or a name twice */
function checkPredictions(caller: string, predictions: MultilabelPredictions): void {
  const { labels, probabilities, decisions, targets, known, patients, repeat } = predictions;
  const rows = patients.length;
  if (rows === 0 || labels.length === 0) {
    throw new ShapeError(
      `${caller}: there must be rows and labels, got ${rows} rows and ${labels.length} labels`,
    );
  }
  if (new Set(labels).size < labels.length) {
    throw new RangeError(`${caller}: labels must be unique, got ${labels.join(', ')}`);
  }
  const matrices = { probabilities, decisions, targets, known };
  for (const [name, matrix] of Object.entries(matrices)) {
    if (matrix.length !== rows * labels.length) {
      throw new ShapeError(
        `${caller}: ${name} must be [row, label] = [${rows}, ${labels.length}], got ${matrix.length} entries`,
      );
    }
  }
  if (repeat !== undefined && repeat.length !== rows) {
    throw new ShapeError(
      `${caller}: repeat must have one entry per row, got ${repeat.length} for ${rows} rows`,
    );
  }
  for (let cell = 0; cell < known.length; cell++) {
    if (known[cell] === 0) continue;
    const fault =
      known[cell] !== 1
        ? `known must be 0 or 1, got ${known[cell]}`
        : !(probabilities[cell] >= 0 && probabilities[cell] <= 1)
          ? `probabilities must lie in [0, 1], got ${probabilities[cell]}`
          : decisions[cell] > 1
            ? `decisions must be 0 or 1, got ${decisions[cell]}`
            : targets[cell] !== 0 && targets[cell] !== 1
              ? `targets must be 0 or 1, got ${targets[cell]}`
              : null;
    if (fault !== null) {
      const row = Math.floor(cell / labels.length);
      throw new RangeError(`${caller}: ${fault} for label "${labels[cell % labels.length]}" in row ${row}`);
    }
  }
}

/** The rows of each repeat, by ascending repeat; one repeat of all rows where none is given. */
function rowsByRepeat(predictions: MultilabelPredictions): readonly Int32Array[] {
  const rows = predictions.patients.map((_, row) => row);
  const { repeat } = predictions;
  if (repeat === undefined) return [rows];
  return [...new Set(repeat)].sort((a, b) => a - b).map((own) => rows.filter((row) => repeat[row] === own));
}

/** The known cells of one label in some rows. @param cluster [row] patient of each row, 0..clusters-1 */
export function labelCells(
  predictions: MultilabelPredictions,
  rows: Int32Array,
  label: number,
  cluster: Int32Array,
  clusters: number,
): Cells {
  const { probabilities, decisions, targets, known } = predictions;
  const width = predictions.labels.length;
  const knownRows = rows.filter((row) => known[row * width + label] === 1);
  const cells = {
    probabilities: new Float64Array(knownRows.length),
    decisions: new Uint8Array(knownRows.length),
    targets: new Uint8Array(knownRows.length),
    cluster: new Int32Array(knownRows.length),
    clusters,
  };
  // A plain loop: `from` with a function walks an iterator, ten times as slow.
  for (let i = 0; i < knownRows.length; i++) {
    const row = knownRows[i];
    const at = row * width + label;
    cells.probabilities[i] = probabilities[at];
    cells.decisions[i] = decisions[at];
    cells.targets[i] = targets[at];
    cells.cluster[i] = cluster[row];
  }
  return cells;
}

/** Predictions, checked and cut into what the statistics read. */
export interface PredictionTables {
  /** Number of patients. */
  readonly patients: number;
  /** [row] patient, 0..patients-1. */
  readonly cluster: Int32Array;
  /** [repeat] its rows. */
  readonly repeats: readonly Int32Array[];
  /** [repeat][label] */
  readonly cells: readonly (readonly Cells[])[];
}

/** @throws as checkPredictions and checkRepeats */
export function tabulate(caller: string, predictions: MultilabelPredictions): PredictionTables {
  checkPredictions(caller, predictions);
  const { ofRow: cluster, count: patients } = denseClusters(predictions.patients);
  const repeats = rowsByRepeat(predictions);
  const cells = repeats.map((rows) =>
    predictions.labels.map((_, label) => labelCells(predictions, rows, label, cluster, patients)),
  );
  checkRepeats(caller, repeats, cells, cluster);
  return { patients, cluster, repeats, cells };
}

/** The cells of all labels of one repeat, pooled. */
export function poolCells(cells: readonly Cells[]): Cells {
  const size = cells.reduce((sum, label) => sum + label.probabilities.length, 0);
  const pooled = {
    probabilities: new Float64Array(size),
    decisions: new Uint8Array(size),
    targets: new Uint8Array(size),
    cluster: new Int32Array(size),
  };
  let at = 0;
  for (const label of cells) {
    pooled.probabilities.set(label.probabilities, at);
    pooled.decisions.set(label.decisions, at);
    pooled.targets.set(label.targets, at);
    pooled.cluster.set(label.cluster, at);
    at += label.probabilities.length;
  }
  return { ...pooled, clusters: cells[0].clusters };
}

/**
 * Repeats must hold the same rows, told by rows per patient and by positives and negatives per label.
 * @param tables [repeat][label]
 * @throws ShapeError when they do not
 */
function checkRepeats(
  caller: string,
  repeats: readonly Int32Array[],
  tables: readonly (readonly Cells[])[],
  cluster: Int32Array,
): void {
  if (repeats.length === 1) return;
  const signature = (repeat: number): string =>
    JSON.stringify([
      [...repeats[repeat].map((row) => cluster[row])].sort((a, b) => a - b),
      tables[repeat].map(({ targets }) => [targets.length, targets.filter((target) => target === 1).length]),
    ]);
  const first = signature(0);
  for (let repeat = 1; repeat < repeats.length; repeat++) {
    if (signature(repeat) === first) continue;
    throw new ShapeError(
      `${caller}: every repeat must hold the same rows once, got ${repeats[0].length} rows in the first and ` +
        `${repeats[repeat].length} in number ${repeat + 1}, or other patients or targets; pass one out-of-fold ` +
        'prediction per row and repeat',
    );
  }
}
