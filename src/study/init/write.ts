/** A proposal as a study file: YAML, with the evidence for each line beside it. */
import { stringify } from 'yaml';
import type { Copy, Evidence, SplitProposal } from './evidence.js';
import type { Feature, Part } from './features.js';
import type { Finding } from './labels.js';
import type { Proposal } from './propose.js';

export interface StudyText {
  readonly name: string;
  /** Path of the study file, or `study.yaml` where it goes to standard output; for the command to run next. */
  readonly file: string;
  /** Paths as the study file gives them. */
  readonly table: string;
  readonly images: string | null;
  readonly proposal: Proposal;
  /** Features that give a label away, and are left out for it. */
  readonly answers: readonly Part[];
  /** What the study reads; null before that is known, when the comments lack it. */
  readonly read: { readonly evidence: Evidence; readonly split: SplitProposal } | null;
}

/** The text of the study file. */
export function studyText(text: StudyText): string {
  const { proposal, read } = text;
  const { table } = proposal;
  const isLeft = ({ name }: Part) => !text.answers.some((part) => part.name === name);
  const lines = [
    '# Proposed by "medfusion init" from the table alone. Read it before use: names and values only suggest what a',
    '# column is. What each line rests on stands behind it; what is commented out is not used.',
    `# ${count(table.rows)} rows, ${table.columns.length} columns${read === null ? '' : `; the study reads ${count(read.evidence.rows)} rows of ${count(read.evidence.patients)} patients`}.`,
    `# Next     medfusion train ${scalar(text.file)}`,
    '',
    `name: ${scalar(text.name)}`,
    '',
    'data:',
    `  table: ${scalar(text.table)}`,
    `  missing: ${flow(proposal.missing.spellings)}${comment(proposal.missing.why)}`,
    ...identity(text),
    ...imageLines(text),
    ...featureLines(proposal.features.filter(isLeft), read?.evidence.copies ?? []),
    ...validLines(proposal.valid.filter(isLeft)),
    ...leftOutLines([...proposal.leftOut, ...text.answers]),
    '',
    ...labelLines(text),
    '',
    ...(read === null ? [] : splitLines(read.split)),
  ];
  return `${lines.join('\n')}\n`;
}

function identity({ proposal, read }: StudyText): string[] {
  const { id, patient, order, view, table, skip } = proposal;
  const lines = [
    id === null
      ? '  # id: no column is different in every row; rows are named by their line'
      : `  id: ${scalar(id.name)}${comment(id.why)}`,
    patient === null
      ? '  # patient: every row counts as a patient of its own; if patients return, name their column here'
      : `  patient: ${scalar(patient.name)}${comment(patient.why)}`,
  ];
  if (order !== null) {
    const tied = read?.evidence.tied ?? 0;
    const ties =
      tied === 0
        ? 'no two rows of a patient share it'
        : `${count(tied)} rows share it with another of the patient`;
    lines.push(`  order: ${scalar(order.name)}${comment(`${order.why}; ${ties}`)}`);
  } else if (patient !== null) lines.push('  # order: no column numbers the visits of a patient');
  if (view !== null) lines.push(`  view: ${scalar(view.name)}${comment(view.why)}`);
  if (table.duplicates > 0) {
    lines.push(
      `  dropDuplicateRows: true${comment(`${count(table.duplicates)} rows repeat an earlier one in every column, ${count(read?.evidence.repeated ?? 0)} in every column used`)}`,
    );
  }
  if (skip !== null) lines.push(`  onBadRow: skip${comment(skip)}`);
  return lines;
}

function imageLines({ images: directory, proposal }: StudyText): string[] {
  const { images, imageColumns } = proposal;
  if (images === null || directory === null) {
    return imageColumns.map(
      ({ name, why }) => `  # images: ${oneLine(name)}: ${why}; --images DIR says where they are`,
    );
  }
  const lines = [
    '  images:',
    `    directory: ${scalar(directory)}`,
    '    columns:',
    ...items(images.columns, '      '),
  ];
  if (images.extension !== null)
    lines.push(
      `    extension: ${scalar(images.extension)} # the table names other extensions than the files have`,
    );
  if (!images.whole) lines.push('    present: true # leaves out rows none of whose images are there');
  return lines;
}

function featureLines(features: readonly Feature[], copies: readonly Copy[]): string[] {
  const told = (feature: Feature): Feature => {
    const copy = copies.find(({ feature: name, isLabel }) => name === feature.name && !isLabel);
    if (copy === undefined) return feature;
    const near = `nearly a copy of ${oneLine(copy.of)}, correlation ${copy.correlation.toFixed(3)}`;
    return { ...feature, why: `${feature.why}; ${near}` };
  };
  const of = (kind: Feature['kind']) => features.filter((feature) => feature.kind === kind).map(told);
  const lines: string[] = [];
  for (const kind of ['numeric', 'categorical', 'text'] as const) {
    if (of(kind).length > 0) lines.push(`  ${kind}:`, ...items(of(kind), '    '));
  }
  if (of('ordinal').length > 0) {
    lines.push('  ordinal: # from low to high');
    for (const { name, levels, why } of of('ordinal'))
      lines.push(`    ${key(name)}: ${flow(levels)}${comment(why)}`);
  }
  return lines;
}

function validLines(ranges: Proposal['valid']): string[] {
  if (ranges.length === 0) return [];
  return [
    '  valid: # anything outside counts as missing',
    ...ranges.map(
      ({ name, range, why }) =>
        `    ${key(name)}: [${range.join(', ')}]${comment(`${why}: codes for missing?`)}`,
    ),
  ];
}

function leftOutLines(parts: readonly Part[]): string[] {
  if (parts.length === 0) return [];
  return [
    '  # Left out:',
    ...parts
      .map(({ name, why }) => oneLine(`# - ${name === '' ? '(no name)' : name}: ${why}`))
      .map((line) => `  ${line}`),
  ];
}

function labelLines({ proposal, read }: StudyText): string[] {
  const { labels } = proposal;
  const lines = [`labels: # ${labels.why}${labels.unsure ? '; a guess, to be decided' : ''}`];
  if ('columns' in labels) {
    lines.push('  columns:');
    for (const [at, { name }] of labels.columns.entries())
      lines.push(`    - ${scalar(name)}${read === null ? '' : comment(labelCount(read.evidence, at))}`);
    if (labels.positive.length > 0) lines.push(`  positive: ${flow(labels.positive)}`);
    if (labels.negative.length > 0) lines.push(`  negative: ${flow(labels.negative)}`);
    return lines;
  }
  lines.push(`  column: ${scalar(labels.column.name)}`, `  delimiter: ${JSON.stringify(labels.delimiter)}`);
  lines.push(
    labels.none === null
      ? '  # none: the entry that means "no label is present", if there is one'
      : `  none: ${scalar(labels.none)}`,
    '  names:',
    ...labels.findings
      .filter(({ taken }) => taken)
      .map((finding) => `    - ${scalar(finding.name)}${comment(rowsOf(finding))}`),
  );
  const rare = labels.findings.filter(({ taken }) => !taken);
  for (const finding of rare.filter(({ rows }) => rows >= 5))
    lines.push(`    # - ${oneLine(finding.name)}: ${rowsOf(finding)}`);
  const few = rare.filter(({ rows }) => rows < 5).length;
  if (few > 0) lines.push(`    # and ${few} in fewer than 5 rows each`);
  return lines;
}

function labelCount({ labels, rows }: Evidence, at: number): string {
  const { positives, known, patients } = labels[at];
  const unknown = known < rows ? `, ${count(rows - known)} rows unknown` : '';
  return `${count(positives)} positive rows of ${count(patients)} patients${unknown}`;
}

function rowsOf({ rows }: Finding): string {
  return `in ${count(rows)} rows of the table`;
}

function splitLines({ method, folds, repeats, validation, why }: SplitProposal): string[] {
  const options =
    method === 'holdout'
      ? `method: holdout, test: 0.2, validation: ${validation}`
      : `method: kfold, folds: ${folds}, repeats: ${repeats}, validation: ${validation}`;
  return [`# Whole patients are held out. ${oneLine(why)}.`, `split: { ${options} }`];
}

function items(parts: readonly Part[], indent: string): string[] {
  return parts.map(({ name, why }) => `${indent}- ${scalar(name)}${comment(why)}`);
}

/** A text as a YAML scalar on one line. */
function scalar(text: string): string {
  const plain = stringify(text, { lineWidth: 0 }).trimEnd();
  return /[\r\n]/.test(plain) ? JSON.stringify(text) : plain;
}

/** A text as the key of a YAML map. */
function key(text: string): string {
  return /^[A-Za-z][\w ]*$/.test(text) ? scalar(text) : JSON.stringify(text);
}

function flow(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(', ')}]`;
}

function comment(why: string): string {
  return ` # ${oneLine(why)}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

function count(value: number): string {
  return value.toLocaleString('en');
}
