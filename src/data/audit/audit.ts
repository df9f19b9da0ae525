/** The leakage audit (P25): every check over one cohort. */
import type { Cohort } from '../cohort.js';
import type { ImageStore } from '../image-store.js';
import type { Split } from '../split.js';
import { findConstantColumns } from './constantColumns.js';
import { type Finding, sortFindings } from './finding.js';
import { auditSample } from './sample.js';
import { findTargetProxies } from './targetProxies.js';

/** What is audited. */
export interface AuditInput {
  /** As training reads it: duplicates dropped, words masked, if the study says so. */
  readonly cohort: Cohort;
  /** As training splits it. */
  readonly splits: readonly Split[];
  /** The cohort's images, prepared; null where the model sees none. */
  readonly images: ImageStore | null;
}

/**
 * Looks for ways in which the data give their labels, or their held-out rows, away. Nothing is random, and what is
 * judged by statistics is judged on rows that training would see, at one error for all judgements together.
 * @returns findings, most serious first
 */
export function auditCohort({ cohort, splits }: AuditInput): Finding[] {
  const sample = auditSample(cohort, splits);
  return sortFindings([...findTargetProxies(cohort, sample), ...findConstantColumns(cohort)]);
}
