/** The leakage audit (P25): every check over one cohort. */
import type { Cohort } from '../cohort.js';
import type { ImageStore } from '../image-store.js';
import type { Split } from '../split.js';
import { codedColumns } from './codes.js';
import { findConstantColumns } from './constantColumns.js';
import { findDuplicateImages } from './duplicateImages.js';
import { findDuplicateRows } from './duplicateRows.js';
import { type Finding, sortFindings } from './finding.js';
import { findIdentifiers } from './identifiers.js';
import { findImplausibleValues } from './implausibleValues.js';
import { findLabelWords, type LabelNames } from './labelWords.js';
import { findNearDuplicateRows } from './nearDuplicateRows.js';
import { findOutcomeColumns } from './outcomeColumns.js';
import { partsOf } from './parts.js';
import { rowKeys } from './rowKeys.js';
import { auditSample } from './sample.js';
import { findSharedPatients, type People } from './sharedPatients.js';
import { surprisals } from './surprisal.js';
import { findTargetProxies } from './targetProxies.js';
import { findLaterVisits, type VisitTimes } from './visitOrder.js';

/** What is audited. */
export interface AuditInput {
  /** As training reads it: duplicates dropped, words masked, if the study says so. */
  readonly cohort: Cohort;
  /** As training splits it. */
  readonly splits: readonly Split[];
  /** The cohort's images, prepared; null where the model sees none. Default null. */
  readonly images?: ImageStore | null;
  /** Default: labels have no other names. */
  readonly labelNames?: LabelNames;
  /** Columns that name patients although the study does not use them. Default none. */
  readonly people?: readonly People[];
  /** Default: no time column, and order decides nothing. */
  readonly times?: VisitTimes;
}

/**
 * Looks for ways in which the data give their labels, or their held-out rows, away. Nothing is random, and what is
 * judged by statistics is judged on rows that training would see, at one error per check for all its judgements.
 * @returns findings, most serious first
 */
export function auditCohort(input: AuditInput): Finding[] {
  const { cohort, splits, images = null, labelNames = {}, people = [] } = input;
  const sample = auditSample(cohort, splits);
  const parts = partsOf(splits, cohort.size);
  const columns = codedColumns(cohort);
  const keys = rowKeys(columns, cohort.size);
  const bits = surprisals(columns, cohort.size);
  const declared: People = { column: null, ids: Array.from(cohort.patientIndex) };
  return sortFindings([
    ...[declared, ...people].flatMap((who) => findSharedPatients(who, cohort.lines, parts)),
    ...(columns.length === 0
      ? []
      : [
          ...findDuplicateRows(cohort, columns, bits, keys, parts),
          ...findNearDuplicateRows(cohort, columns, bits, keys, parts),
        ]),
    ...(images === null ? [] : findDuplicateImages(cohort, images, parts)),
    ...findLaterVisits(cohort, input.times ?? { time: null, used: false }),
    ...findTargetProxies(cohort, sample),
    ...findOutcomeColumns(cohort),
    ...findLabelWords(cohort, sample, labelNames),
    ...findIdentifiers(cohort),
    ...findConstantColumns(cohort),
    ...findImplausibleValues(cohort),
  ]);
}
