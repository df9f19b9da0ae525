/** What the audit finds: one suspicion with its weight, its place and what to do about it. */
import type { CohortNote } from '../cohort.js';

/** `serious` stops a training unless the study accepts it, `warning` is to be looked at, `note` is to be known. */
export const severities = ['serious', 'warning', 'note'] as const;
export type Severity = (typeof severities)[number];

/** What can be found. */
export const findingCodes = [
  'shared-patients',
  'duplicate-rows',
  'near-duplicate-rows',
  'duplicate-images',
  'later-visit',
  'visit-order',
  'target-proxy',
  'outcome-name',
  'label-words',
  'giveaway-words',
  'identifier',
  'constant-column',
  'implausible-values',
  'stale-acceptance',
] as const;
export type FindingCode = (typeof findingCodes)[number];

/** One suspicion. Messages name columns, lines and counts, never a patient's values. */
export interface Finding extends CohortNote {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Names the finding in `data.acceptFindings`; the same suspicion on the same columns keeps it. */
  readonly key: string;
  /** Columns of the table that it concerns. */
  readonly columns: readonly string[];
  /** Rows, patients or cells that it concerns. */
  readonly count: number;
  /** 1-based lines of the file, ascending; none where it concerns no rows of their own. */
  readonly rows: readonly number[];
  /** What to do, as an imperative. */
  readonly remedy: string;
}

/** Builds a finding; its key is the code and what it is about. */
export function makeFinding(
  code: FindingCode,
  severity: Severity,
  about: string,
  rest: Pick<Finding, 'message' | 'remedy' | 'count'> & {
    readonly columns?: readonly string[];
    readonly lines?: Iterable<number>;
  },
): Finding {
  const { message, remedy, count, columns = [], lines = [] } = rest;
  const rows = [...new Set(lines)].sort((a, b) => a - b);
  return {
    code,
    severity,
    key: about === '' ? code : `${code}:${about}`,
    message,
    columns,
    count,
    rows,
    remedy,
  };
}

/** Most serious first, then by kind as `findingCodes` lists them, then as found. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity, code }: Finding) =>
    severities.indexOf(severity) * findingCodes.length + findingCodes.indexOf(code);
  return findings.toSorted((a, b) => rank(a) - rank(b));
}
