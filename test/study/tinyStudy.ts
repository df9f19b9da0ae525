/** A study small enough to be trained within a test, and the command line to train it with. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { parse } from 'csv-parse/sync';
import { runCommandLine } from '../../src/cli/program.js';
import { generateStudy } from '../../src/data/index.js';

/** Settings under which one epoch of a tiny study takes a second or two. */
export const quick = ['training.epochs=1', 'training.batchSize=16', 'evaluation.bootstrap=20'];

/** A folder that is removed when the file's tests are done. */
export function scratchFolder(purpose: string): string {
  const folder = mkdtempSync(join(tmpdir(), `medfusion-${purpose}-`));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a generated study of 60 patients with pictures of 32 px; returns its folder. */
export async function tinyStudy(directory: string): Promise<string> {
  await generateStudy({ directory, patients: 60, imageSize: 32 });
  return directory;
}

/** Runs a command line within this process. */
export async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runCommandLine(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

/** `train` on one thread with the given settings. */
export function train(study: string, out: string, settings: readonly string[], ...more: string[]) {
  const set = settings.flatMap((setting) => ['--set', setting]);
  return run('train', study, '--out', out, '--threads', '1', ...set, ...more);
}

/** A CSV file or text as records by column. */
export function records(csv: string): Record<string, string>[] {
  return parse(csv, { columns: true, bom: true });
}

export function readRecords(file: string): Record<string, string>[] {
  return records(readFileSync(file, 'utf8'));
}

/** Records as CSV, with the columns of the first. */
export function toCsv(rows: readonly Readonly<Record<string, string>>[]): string {
  const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const columns = Object.keys(rows[0]);
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))]
    .map((cells) => `${cells.map(cell).join(',')}\n`)
    .join('');
}
