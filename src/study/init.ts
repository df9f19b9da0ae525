/** From a table to a commented study file that reads it: a start, to be checked by whoever knows the data. */
import { basename, dirname, relative, resolve, sep } from 'node:path';
import { type Cohort, loadCohort } from '../data/index.js';
import { DataError, isUserError } from '../errors.js';
import { type Evidence, examine, proposeSplits } from './init/evidence.js';
import type { Part } from './init/features.js';
import { profileTable } from './init/profile.js';
import { type Proposal, propose } from './init/propose.js';
import { type StudyText, studyText } from './init/write.js';
import { parseStudy } from './parse.js';
import { newResultFile } from './predict.js';
import { type ResolvedStudy, resolveStudy } from './resolve.js';
import { studySplits } from './splits.js';

export interface InitOptions {
  /** Path of the table: .csv or .tsv, optionally .gz. */
  readonly table: string;
  /** Folder that the table's image names are relative to. Default: the study uses no images. */
  readonly images?: string;
  /** New file for the study, or `-` for none. Default: `<name of the table>.yaml` in the working directory. */
  readonly out?: string;
  /** Told what a person has to decide. */
  readonly say: (message: string) => void;
}

export interface ProposedStudy {
  /** Text of the study file. */
  readonly yaml: string;
  /** Absolute path of the file that was written; null with `-`. */
  readonly path: string | null;
}

/**
 * Looks at a table and writes a study file that reads it. The file is checked as it stands: it parses, and its rows
 * are read. Messages and comments give counts and names of columns and categories, no patient's values.
 * @throws ConfigError when the file exists, or the image folder holds no file that the table names
 * @throws DataError of `scanTable` and `loadCohort`; `no-label`, `no-feature`
 */
export async function initStudy({ table, images, out, say }: InitOptions): Promise<ProposedStudy> {
  const name = studyName(table);
  const file = out === '-' ? null : newResultFile(out ?? `${name}.yaml`);
  const studyFile = file?.path ?? resolve('study.yaml');
  const toStudy = (path: string) => relative(dirname(studyFile), resolve(path)).split(sep).join('/') || '.';
  const proposal = propose(await profileTable(table, images ?? null), images ?? null);
  const draft: Omit<StudyText, 'answers' | 'read'> = {
    name,
    file: relative('.', studyFile),
    table: toStudy(table),
    images: images === undefined ? null : toStudy(images),
    proposal,
  };
  const resolved = (yaml: string) => resolveStudy(parseStudy(yaml, studyFile), { studyFile });
  const read = async (answers: readonly Part[]): Promise<{ cohort: Cohort; evidence: Evidence }> => {
    if (proposal.images === null && proposal.features.length === answers.length) throw noFeature(table);
    const cohort = await loadCohort(resolved(studyText({ ...draft, answers, read: null })).cohort);
    return { cohort, evidence: examine(cohort) };
  };
  let { cohort, evidence } = await read([]);
  const answers = answersAmong(evidence);
  if (answers.length > 0) ({ cohort, evidence } = await read(answers));

  const drafts = proposeSplits(evidence, proposal.images !== null).map((split) =>
    studyText({ ...draft, answers, read: { evidence, split } }),
  );
  const { yaml, fault } = await firstThatSplits(drafts, (text) => splitFault(resolved(text), cohort));
  await file?.write(yaml);
  for (const message of decisions(proposal, answers)) say(message);
  if (fault !== null) say(`decide: no split was found in which every label can be judged; ${fault}`);
  return { yaml, path: file?.path ?? null };
}

/** Features that say nearly what a label says, each once. */
function answersAmong({ copies }: Evidence): Part[] {
  const answers = new Map<string, Part>();
  for (const { feature, of, correlation } of copies.filter(({ isLabel }) => isLabel)) {
    const why = `gives the label ${of} away, correlation ${correlation.toFixed(3)}`;
    if (!answers.has(feature)) answers.set(feature, { name: feature, why });
  }
  return [...answers.values()];
}

/** The first draft without a fault; the first of all, with its fault, where none is without. */
async function firstThatSplits(
  drafts: readonly string[],
  faultOf: (yaml: string) => Promise<string | null>,
): Promise<{ yaml: string; fault: string | null }> {
  const faults: string[] = [];
  for (const yaml of drafts) {
    const fault = await faultOf(yaml);
    if (fault === null) return { yaml, fault };
    faults.push(fault);
  }
  return { yaml: drafts[0], fault: faults[0] };
}

/** Why a study cannot be split as it says; null when it can. */
async function splitFault(study: ResolvedStudy, cohort: Cohort): Promise<string | null> {
  try {
    await studySplits(study, cohort);
    return null;
  } catch (error) {
    if (isUserError(error)) return error.message;
    throw error;
  }
}

/** What a person has to look at first. */
function decisions(
  { labels, patient, imageColumns, images, leftOut, valid, skip }: Proposal,
  answers: readonly Part[],
): string[] {
  const names = (parts: readonly { readonly name: string }[]) =>
    parts.map(({ name }) => `"${name}"`).join(', ');
  const taken =
    'columns' in labels
      ? names(labels.columns)
      : `${labels.findings.filter((finding) => finding.taken).length} values of "${labels.column.name}"`;
  const messages = [`${labels.unsure ? 'decide' : 'check'}: labels are ${taken} (${labels.why})`];
  const doubtful = leftOut.filter(({ outcome }) => outcome);
  if (doubtful.length > 0) {
    messages.push(
      `decide: ${names(doubtful)} sound like diagnoses or outcomes: labels, features known beforehand, or neither? Left out for now`,
    );
  }
  if (answers.length > 0) messages.push(`check: ${names(answers)} give a label away and are left out`);
  if (patient === null)
    messages.push(
      'decide: no column names the patient; every row counts as one; if patients return, name it as data.patient',
    );
  if (patient?.guessed) messages.push(`check: "${patient.name}" is taken for the patient`);
  if (images === null && imageColumns.length > 0)
    messages.push(`decide: image files are named in ${names(imageColumns)}; --images DIR adds them`);
  if (valid.length > 0) messages.push(`check: values of ${names(valid)} look like codes for missing`);
  if (skip !== null) messages.push(`check: rows will be skipped: ${skip}`);
  return messages;
}

/** The table's name without its endings, as a study may be called. */
function studyName(table: string): string {
  const name = basename(table)
    .replace(/(?:\.[ct]sv)?(?:\.gz)?$/i, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  return name === '' ? 'study' : name;
}

function noFeature(file: string): DataError {
  return new DataError(
    'no-feature',
    'init: a study needs a column to predict from, got none besides labels, identifiers and columns that give the answer away; add columns, or images with --images',
    { file, row: 1 },
  );
}
