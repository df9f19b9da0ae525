/**
 * The generated study: invented patients with a chest picture, a table row and a note per visit, whose labels can
 * be predicted in part from each and well only from all three. It is what `medfusion demo` runs on and what tests
 * train on; the folder it writes is read like any other study.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConfigError, DataError } from '../errors.js';
import { encodeGreyscalePng } from './png.js';
import {
  conditions,
  gradingNames,
  levelNames,
  measurementCell,
  measurementNames,
  measurements,
} from './synthetic/conditions.js';
import { drawPatients, type SyntheticVisit } from './synthetic/patients.js';
import { renderPhantom } from './synthetic/phantom.js';
import { holds } from './synthetic/posterior.js';
import { syntheticStudyFile } from './synthetic/study-file.js';
import { type StudyTruth, studyTruth } from './synthetic/truth.js';

/** What to generate. */
export interface SyntheticOptions {
  /** Folder to create; it must not exist or be empty. */
  readonly directory: string;
  /** Number of patients; about a quarter has several visits, so there are some 1.3 rows each. Default 700. */
  readonly patients?: number;
  /** Any finite number. Default 1. */
  readonly seed?: number;
  /** Side of the square greyscale images in pixels, a multiple of 32. Default 64. */
  readonly imageSize?: number;
  /** Multiplies the rates of empty cells, images, notes and unknown labels; 0 = complete. Default 1. */
  readonly missing?: number;
  /** Epochs that the study file asks for. Default 12. */
  readonly epochs?: number;
  /** Earlier pictures of the patient that the study file adds to a row. Default 1. */
  readonly history?: number;
}

/** What was generated. */
export interface SyntheticStudy {
  /** Absolute path of the study file. */
  readonly study: string;
  readonly rows: number;
  readonly truth: StudyTruth;
}

/**
 * Writes a generated study:
 *   study.yaml   the study file, to be trained as it is
 *   table.csv    one row per visit: ids, measurements, gradings, note, image name and labels, with empty cells
 *   images/      one greyscale PNG per visit
 *   boxes.csv    image, label, finding and the box of each lesion in pixels from the top left corner
 *   truth.json   each row's true risks and the best AUROC that each modality allows (`StudyTruth`)
 * The same options give the same bytes. The folder appears whole or not at all.
 * @throws ConfigError for an option out of range; DataError `folder-not-empty` for a folder with contents
 */
export async function generateStudy(options: SyntheticOptions): Promise<SyntheticStudy> {
  const { patients = 700, seed = 1, imageSize = 64, missing = 1, epochs = 12, history = 1 } = options;
  checkOption('patients', patients, Number.isInteger(patients) && patients >= 1, 'a positive integer');
  checkOption('seed', seed, Number.isFinite(seed), 'a finite number');
  const sized = Number.isInteger(imageSize) && imageSize >= 32 && imageSize % 32 === 0;
  checkOption('imageSize', imageSize, sized, 'a positive multiple of 32');
  checkOption('missing', missing, Number.isFinite(missing) && missing >= 0, 'a number from 0 up');
  checkOption('epochs', epochs, Number.isInteger(epochs) && epochs >= 1, 'a positive integer');
  checkOption('history', history, Number.isInteger(history) && history >= 0, 'a whole number from 0 up');
  const directory = resolve(options.directory);
  const occupied = existsSync(directory) && (await readdir(directory)).length > 0;
  if (occupied) {
    throw new DataError(
      'folder-not-empty',
      `generateStudy: the folder to write must be new or empty, got ${directory}; name another or remove it`,
    );
  }

  const visits = drawPatients(seed, patients, missing);
  const truth = { seed, patients, rows: visits.length, imageSize, ...studyTruth(visits) };
  const partial = `${directory}.partial`;
  await rm(partial, { recursive: true, force: true });
  try {
    await mkdir(join(partial, 'images'), { recursive: true });
    await writeFile(
      join(partial, 'boxes.csv'),
      await writeImages(visits, imageSize, join(partial, 'images')),
    );
    await writeFile(join(partial, 'table.csv'), csv([tableHeader, ...visits.map(tableRow)]));
    await writeFile(join(partial, 'truth.json'), `${JSON.stringify(truth, null, 1)}\n`);
    await writeFile(join(partial, 'study.yaml'), syntheticStudyFile({ seed, imageSize, epochs, history }));
    if (existsSync(directory)) await rmdir(directory);
    await mkdir(dirname(directory), { recursive: true });
    await rename(partial, directory);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  return { study: join(directory, 'study.yaml'), rows: visits.length, truth };
}

function checkOption(name: string, value: number, valid: boolean, rule: string): void {
  if (!valid) throw new ConfigError(`generateStudy: ${name} must be ${rule}, got ${value}`, name);
}

/** Renders and writes every recorded image; returns the contents of boxes.csv. */
async function writeImages(visits: readonly SyntheticVisit[], size: number, folder: string): Promise<string> {
  const boxes: string[][] = [['image', 'label', 'finding', 'x', 'y', 'width', 'height']];
  for (const visit of visits) {
    if (visit.missing.has('image')) continue;
    const lesions = visit.findings.flatMap((finding, label) =>
      (finding?.lesions ?? []).map((lesion) => ({ ...lesion, label: conditions[label].label })),
    );
    const rendered = renderPhantom(visit.anatomy, visit.exposure, lesions, size);
    const name = `${visit.id}.png`;
    await writeFile(join(folder, name), encodeGreyscalePng(rendered.pixels, size, size));
    rendered.boxes.forEach((box, at) => {
      if (box === null) return;
      const { label, kind } = lesions[at];
      boxes.push([name, label, kind, ...[box.x, box.y, box.width, box.height].map(String)]);
    });
  }
  return csv(boxes);
}

const tableHeader: readonly string[] = [
  'id',
  'patient',
  'visit',
  'image',
  'view',
  ...measurementNames.map((name) => measurements[name].column),
  ...gradingNames,
  'notes',
  ...conditions.map(({ label }) => label),
];

function tableRow(visit: SyntheticVisit): string[] {
  const { id, patient, number, exposure, missing } = visit;
  const recorded = (column: string, cell: string) => (missing.has(column) ? '' : cell);
  return [
    id,
    patient,
    String(number),
    recorded('image', `${id}.png`),
    recorded('image', exposure.view),
    ...measurementNames.map((name) => recorded(name, measurementCell(name, visit.z[name]))),
    ...gradingNames.map((name) => recorded(name, levelNames(name)[visit.levels[name]])),
    recorded('notes', visit.note),
    ...conditions.map(({ label }, at) => recorded(label, holds(visit.pattern, at) ? '1' : '0')),
  ];
}

function csv(rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return `${rows.map((row) => row.map(cell).join(',')).join('\n')}\n`;
}
