/** `medfusion audit STUDY`: do the data give labels or held-out rows away? */
import { Command } from 'commander';
import { DataError } from '../errors.js';
import { auditStudy, describeNote, formatFindings, type StudyAudit } from '../study/index.js';
import { collect } from './arguments.js';
import type { Streams } from './program.js';

interface AuditFlags {
  readonly data?: string;
  readonly set: readonly string[];
  readonly json: boolean;
}

export function auditCommand({ out, err }: Streams): Command {
  return new Command('audit')
    .description('Look for leakage: ways in which the data of a study give labels or held-out rows away.')
    .argument('<study>', 'study file (YAML)')
    .option('--data <dir>', "folder that the study's paths are relative to (default: the study file's)")
    .option('--set <key=value>', 'override a key of the study file; may be repeated', collect, [])
    .option('--json', 'print the findings as JSON', false)
    .addHelpText(
      'after',
      '\nExit code 0: nothing serious, or all of it accepted in data.acceptFindings; 2: a serious finding that is not,\n' +
        'at which "medfusion train" stops too.\n\nExample:\n  medfusion audit examples/odir.yaml --data ../data',
    )
    .action(async (studyFile: string, { data, set, json }: AuditFlags) => {
      const audit = await auditStudy({
        studyFile,
        dataDirectory: data,
        overrides: set,
        listener: { message: (text) => err(`${text}\n`) },
      });
      out(json ? `${JSON.stringify(audit, null, 2)}\n` : formatAudit(audit));
      const serious = audit.open.filter(({ severity }) => severity === 'serious').length;
      if (serious > 0) {
        throw new DataError(
          'leakage',
          `audit: data must not give labels or held-out rows away, got ${serious} serious ${serious === 1 ? 'finding' : 'findings'}; ` +
            'mend them, or accept them by key in data.acceptFindings',
        );
      }
    });
}

function formatAudit({ open, accepted, notes }: StudyAudit): string {
  const count = (severity: string) => open.filter((finding) => finding.severity === severity).length;
  const parts = [
    `${count('serious')} serious, ${count('warning')} to look at, ${count('note')} to know; ${accepted.length} accepted`,
    formatFindings(open),
    ...(accepted.length === 0 ? [] : ['Accepted by the study:', formatFindings(accepted)]),
    ...(notes.length === 0
      ? []
      : ['While reading:', notes.map((note) => `  ${describeNote(note)}`).join('\n')]),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
