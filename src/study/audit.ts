/** `medfusion audit`, and the audit that a training starts with. */
import {
  auditCohort,
  type Cohort,
  type CohortNote,
  type Finding,
  type ImageStore,
  makeFinding,
  nearestName,
  openImageStore,
  type Split,
} from '../data/index.js';
import { DataError } from '../errors.js';
import type { ProgressListener } from '../train/index.js';
import { labelNames, undeclaredPatients, visitTimes } from './auditContext.js';
import { mostLines } from './notes.js';
import { type ResolvedStudy, resolveStudy } from './resolve.js';
import { cacheFolder } from './runFolder.js';
import type { Modality } from './sections/data.js';
import { studySplits } from './splits.js';
import { readCohort, readStudy, type StudySource } from './studyData.js';

/** What a study reads, read: what is audited. */
export interface AuditSubject {
  readonly resolved: ResolvedStudy;
  readonly cohort: Cohort;
  readonly splits: readonly Split[];
  /** Prepared images; null when the model sees none. */
  readonly images: ImageStore | null;
  /** Folder of decoded images; null: none is kept. */
  readonly cache: string | null;
}

/** Findings by whether the study accepts them. */
export interface StudyAudit {
  /** Not accepted, most serious first. */
  readonly open: readonly Finding[];
  /** Named in `data.acceptFindings`. */
  readonly accepted: readonly Finding[];
  /** What reading and splitting the data did besides. */
  readonly notes: readonly CohortNote[];
}

export interface AuditOptions extends StudySource {
  readonly listener: Pick<ProgressListener, 'message'>;
}

/**
 * Reads a study's data as training does and audits them.
 * @throws ConfigError, DataError for bad input
 */
export async function auditStudy(options: AuditOptions): Promise<StudyAudit> {
  const study = await readStudy('audit', options);
  const resolved = resolveStudy(study, options);
  const cache = cacheFolder('images');
  const { cohort, images } = await readCohort(resolved, cache, options.listener);
  const splits = await studySplits(resolved, cohort).catch((error: unknown) => {
    // Lists that share a patient are what an audit is for; it goes on without them and reports the fault.
    if (error instanceof DataError && error.code === 'patient-in-two-parts') return error;
    throw error;
  });
  if (!(splits instanceof DataError)) return auditSubject({ resolved, cohort, splits, images, cache });
  const audit = await auditSubject({ resolved, cohort, splits: [], images, cache });
  return { ...audit, open: [sharedByLists(splits), ...audit.open] };
}

/**
 * Stops at what would make a study's figures untrue: every serious finding that the study does not accept by its key.
 * @returns the accepted findings as notes, which every report has to name
 * @throws DataError `leakage` that lists the findings with their keys and remedies
 */
export async function requireClean(
  subject: AuditSubject,
  listener: Pick<ProgressListener, 'message'>,
): Promise<CohortNote[]> {
  const { open, accepted } = await auditSubject(subject);
  const serious = open.filter(({ severity }) => severity === 'serious');
  if (serious.length > 0) {
    throw new DataError(
      'leakage',
      `audit: data must not give labels or held-out rows away, got ${serious.length} serious ` +
        `${serious.length === 1 ? 'finding' : 'findings'}; mend them, or accept them by key in data.acceptFindings\n` +
        formatFindings(serious),
    );
  }
  const warnings = open.filter(({ severity }) => severity === 'warning').length;
  if (warnings > 0) listener.message(`audit: ${warnings} to look at; "medfusion audit" lists them`);
  return accepted.map(({ code, message, count, rows }) => ({ code, message, count, rows }));
}

/** Findings as text: what and where, at most 20 lines by number; the remedy; the key that accepts a serious one. */
export function formatFindings(findings: readonly Finding[]): string {
  return findings
    .map(({ severity, message, remedy, key, count, rows }) => {
      const named = rows.slice(0, mostLines);
      const rest = count > named.length ? ` and ${count - named.length} more` : '';
      const where =
        rows.length === 0 ? '' : ` (${count === 1 ? 'line' : 'lines'} ${named.join(', ')}${rest})`;
      const accept = severity === 'serious' ? `\n    to accept: ${key}` : '';
      return `  ${severity}: ${message}${where}\n    remedy: ${remedy}${accept}`;
    })
    .join('\n');
}

/** Audits what has been read. */
export async function auditSubject(subject: AuditSubject): Promise<StudyAudit> {
  const { resolved, cohort, splits } = subject;
  const { data, model, stage1 } = resolved.study;
  const { text, numeric, categorical } = cohort;
  const sees = (modality: Modality) => model.modalities.includes(modality);
  const seen = {
    ...cohort,
    text: sees('text') ? text : [],
    numeric: sees('tabular') ? numeric : [],
    categorical: sees('tabular') ? categorical : [],
  };
  const findings = auditCohort({
    cohort: seen,
    splits,
    images: await comparableImages(subject),
    labelNames: labelNames(resolved),
    people: await undeclaredPatients(resolved, cohort),
    times: {
      time: await visitTimes(resolved, cohort),
      used: data.history > 0 || stage1.forwardFill.length > 0,
    },
  });
  const isAccepted = ({ key }: Finding) => data.acceptFindings.includes(key);
  const stale = staleAcceptances(data.acceptFindings, findings);
  return {
    open: [...findings.filter((finding) => !isAccepted(finding)), ...stale],
    accepted: findings.filter(isAccepted),
    notes: [...cohort.notes, ...splits.flatMap((split) => split.notes)],
  };
}

/** Side of the pictures that are compared where the model's are no use, pixels. */
const COMPARED_SIDE = 64;

/**
 * Images as recorded: under local contrast what a copy was compressed with weighs as much as what it shows.
 */
async function comparableImages({ cohort, images, cache }: AuditSubject): Promise<ImageStore | null> {
  if (images === null || images.format.contrast === 'recorded') return images;
  const store = openImageStore({ size: COMPARED_SIDE, channels: 1, cache });
  const paths = cohort.visits.flat().map(({ path }) => path);
  await store.prepare(paths, { onBadImage: 'skip' });
  return store;
}

function sharedByLists({ message, location }: DataError): Finding {
  return makeFinding('shared-patients', 'serious', 'lists', {
    message,
    count: 1,
    lines: location.row === undefined ? [] : [location.row],
    remedy: 'correct the lists under split; training refuses them',
  });
}

/** Keys that accept what is not found: mistyped, or mended since. */
function staleAcceptances(keys: readonly string[], findings: readonly Finding[]): Finding[] {
  const found = findings.map(({ key }) => key);
  return keys
    .filter((key) => !found.includes(key))
    .map((key) => {
      const nearest = nearestName(key, found);
      return makeFinding('stale-acceptance', 'note', key, {
        message: `data.acceptFindings names "${key}", which is not found`,
        count: 1,
        remedy: nearest === null ? 'remove it' : `remove it, or did you mean "${nearest}"?`,
      });
    });
}
