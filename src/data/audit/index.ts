/** The leakage audit. */
export { type AuditInput, auditCohort } from './audit.js';
export {
  type Finding,
  type FindingCode,
  findingCodes,
  makeFinding,
  type Severity,
  severities,
} from './finding.js';
