/** `medfusion audit`, and the audit that a training starts with. */
import { join, resolve } from 'node:path';
import {
  auditCohort,
  type Cohort,
  type CohortNote,
  type Finding,
  type ImageStore,
  type Split,
} from '../data/index.js';
import { DataError } from '../errors.js';
import type { ProgressListener } from '../train/index.js';
import { describeNote } from './notes.js';
import { readCohort, readStudy } from './readData.js';
import { type ResolvedStudy, resolveStudy } from './resolve.js';
import { studySplits } from './splits.js';

/** What a study reads, read: what is audited. */
export interface AuditSubject {
  readonly resolved: ResolvedStudy;
  readonly cohort: Cohort;
  readonly splits: readonly Split[];
  /** Prepared images; null when the model sees none. */
  readonly images: ImageStore | null;
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

export interface AuditOptions {
  /** Path of the study file. */
  readonly studyFile: string;
  /** Folder that the study's paths are relative to; default the study file's. */
  readonly dataDirectory?: string;
  /** `key=value` overrides of the study. */
  readonly overrides?: readonly string[];
  readonly listener: Pick<ProgressListener, 'message'>;
}

/**
 * Reads a study's data as training does and audits them.
 * @throws ConfigError, DataError for bad input
 */
export async function auditStudy(options: AuditOptions): Promise<StudyAudit> {
  const study = await readStudy('audit', options.studyFile, options.overrides);
  const resolved = resolveStudy(study, options);
  const cache = join(resolve('runs'), '.cache', 'images');
  const { cohort, images } = await readCohort(resolved, cache, options.listener);
  const splits = await studySplits(resolved, cohort);
  return auditSubject({ resolved, cohort, splits, images });
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

/** Findings as text: what, how many, where; the remedy; the key that accepts a serious one. */
export function formatFindings(findings: readonly Finding[]): string {
  return findings
    .map((finding) => {
      const { severity, remedy, key } = finding;
      const accept = severity === 'serious' ? `\n    to accept: ${key}` : '';
      return `  ${severity}: ${describeNote(finding)}\n    remedy: ${remedy}${accept}`;
    })
    .join('\n');
}

async function auditSubject({ resolved, cohort, splits, images }: AuditSubject): Promise<StudyAudit> {
  const { data, model } = resolved.study;
  const seen = model.modalities.includes('text') ? cohort : { ...cohort, text: [] };
  const findings = auditCohort({ cohort: seen, splits, images });
  const isAccepted = ({ key }: Finding) => data.acceptFindings.includes(key);
  return {
    open: findings.filter((finding) => !isAccepted(finding)),
    accepted: findings.filter(isAccepted),
    notes: [...cohort.notes, ...splits.flatMap((split) => split.notes)],
  };
}
