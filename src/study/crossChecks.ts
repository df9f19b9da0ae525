/** Rules of the study file that join several keys: what one section says must fit the others. */
import type { z } from 'zod';
import { suggestName } from '../data/index.js';
import {
  type dataSection,
  declaredModalities,
  type labelsSection,
  type splitSection,
} from './sections/data.js';
import type { modelSection } from './sections/model.js';
import type { evaluationSection, stage1Section, tiersSection } from './sections/risk.js';

type Path = readonly (string | number)[];
/** The sections that the rules read, as they stand once each has passed its own schema. */
interface Checked {
  readonly data: z.output<typeof dataSection>;
  readonly labels: z.output<typeof labelsSection>;
  readonly split: z.output<typeof splitSection>;
  readonly stage1: z.output<typeof stage1Section>;
  readonly model: z.output<typeof modelSection>;
  readonly tiers: z.output<typeof tiersSection>;
  readonly evaluation: z.output<typeof evaluationSection>;
}
type Report = (path: Path, message: string) => void;

/** Adds one issue, with its path, for every rule between sections that the study breaks. */
export function crossChecks(study: Checked, context: z.core.$RefinementCtx): void {
  const report: Report = (path, message) =>
    context.addIssue({ code: 'custom', path: [...path], message, input: study });
  checkLabels(study, report);
  checkFeatures(study, report);
  checkVisits(study, report);
  checkModel(study, report);
  checkImageFeatures(study, report);
  checkRisk(study, report);
  checkSubgroups(study, report);
}

/** Label names and the columns they come from, or undefined where the names are only found in the data. */
function labelsOf(labels: Checked['labels']): { names?: readonly string[]; columns: readonly string[] } {
  if (labels.columns === undefined)
    return { names: labels.names, columns: labels.column === undefined ? [] : [labels.column] };
  if (Array.isArray(labels.columns)) return { names: labels.columns, columns: labels.columns };
  return { names: Object.keys(labels.columns), columns: Object.values(labels.columns) };
}

function checkLabels({ labels }: Checked, report: Report): void {
  if ((labels.columns === undefined) === (labels.column === undefined))
    report(['labels'], 'needs exactly one of "columns" and "column"');
  else if (labels.column !== undefined) {
    if (labels.delimiter === undefined)
      report(['labels', 'column'], 'needs "delimiter", the text between two labels of a row');
  } else
    for (const key of ['delimiter', 'names', 'none'] as const)
      if (labels[key] !== undefined)
        report(['labels', key], 'belongs to "column" and has no meaning with "columns"');
  const { names = [], columns } = labelsOf(labels);
  if (labels.columns !== undefined && columns.length === 0)
    report(['labels', 'columns'], 'must name at least one label');
  const twice = firstDuplicate(names) ?? firstDuplicate(columns);
  if (twice !== undefined)
    report(
      ['labels', labels.columns === undefined ? 'names' : 'columns'],
      `names "${twice}" twice; every label needs a name and a column of its own`,
    );
  const both = labels.positive.find((spelling) => labels.negative.includes(spelling));
  if (both !== undefined)
    report(['labels', 'positive'], `"${both}" is also in "negative"; a spelling is one or the other`);
}

/** Every feature column with the place in the study file that names it. */
function featuresOf(data: Checked['data']): { column: string; path: Path }[] {
  const lists = (['numeric', 'categorical', 'text'] as const).flatMap((kind) =>
    data[kind].map((column, i) => ({ column, path: ['data', kind, i] })),
  );
  const ordinal = Object.keys(data.ordinal).map((column) => ({ column, path: ['data', 'ordinal', column] }));
  return [...lists, ...ordinal];
}

function checkFeatures({ data, labels }: Checked, report: Report): void {
  const labelColumns = labelsOf(labels).columns;
  const identifiers = [data.id, data.patient, ...(data.images?.columns ?? [])];
  const seen = new Set<string>();
  for (const { column, path } of featuresOf(data)) {
    if (seen.has(column)) report(path, `names the column "${column}" a second time; a column is one feature`);
    seen.add(column);
    if (labelColumns.includes(column))
      report(path, `"${column}" is a label and would give its answer away; remove it from the features`);
    else if (identifiers.includes(column))
      report(
        path,
        `"${column}" identifies rows or patients and says nothing of new ones; remove it from the features`,
      );
  }
  for (const [column, [low, high]] of Object.entries(data.valid)) {
    if (low > high) report(['data', 'valid', column], `lowest ${low} is above highest ${high}; swap them`);
    if (!data.numeric.includes(column) && column !== data.time && column !== data.order)
      report(['data', 'valid', column], 'is not a column under data.numeric; a range needs a numeric column');
  }
  if (data.maskWords.length > 0 && data.text.length === 0)
    report(['data', 'maskWords'], 'needs at least one column in data.text');
  for (const [column, levels] of Object.entries(data.ordinal)) {
    const twice = firstDuplicate(levels);
    if (twice !== undefined) report(['data', 'ordinal', column], `lists the level "${twice}" twice`);
  }
}

function checkVisits({ data, stage1 }: Checked, report: Report): void {
  if (data.history > 0)
    for (const [key, why] of [
      ['images', 'the images that earlier rows bring'],
      ['patient', 'whose rows belong together'],
      ['order', 'which rows are earlier'],
    ] as const)
      if (data[key] === undefined) report(['data', 'history'], `needs data.${key}: ${why}`);
  if (data.view !== undefined && data.images === undefined)
    report(['data', 'view'], 'needs data.images; a view position describes an image');
  if (stage1.forwardFill.length > 0)
    for (const key of ['patient', 'order'] as const)
      if (data[key] === undefined) report(['stage1', 'forwardFill'], `needs data.${key}`);
}

function checkModel({ data, model }: Checked, report: Report): void {
  const declared = declaredModalities(data);
  const remedy = {
    image: 'data.images',
    tabular: 'a column in data.numeric, data.categorical or data.ordinal',
    text: 'a column in data.text',
  };
  for (const [i, modality] of (model.modalities ?? []).entries()) {
    if (!declared.includes(modality))
      report(['model', 'modalities', i], `"${modality}" needs ${remedy[modality]}`);
    if (model.modalities?.indexOf(modality) !== i)
      report(['model', 'modalities', i], `names "${modality}" twice`);
  }
  if (declared.length === 0)
    report(
      ['data'],
      'declares no features; name data.images or columns in numeric, categorical, ordinal or text',
    );
  const image = declared.includes('image') && (model.modalities?.includes('image') ?? true);
  const { cnn, transformer } = model.branches;
  for (const branch of ['cnn', 'transformer'] as const) {
    const source = model.pretrained?.[branch];
    if (source === undefined) continue;
    const path = ['model', 'pretrained', branch];
    if ((source.file === undefined) === (source.url === undefined))
      report(path, 'needs exactly one of "file" and "url"');
    if (source.url !== undefined && source.sha256 === undefined)
      report([...path, 'sha256'], 'is required with "url", so that only the file you mean is used');
    if (!image) report(path, 'has no meaning without images; leave it out');
    else if (!model.branches[branch])
      report(path, `needs model.branches.${branch}; switch it on or leave this out`);
  }
  if (image && !cnn && !transformer)
    report(
      ['model', 'branches'],
      'an image study needs cnn or transformer; switch one on or leave "image" out',
    );
  if (model.interaction && !(cnn && transformer))
    report(
      ['model', 'interaction'],
      'needs both branches, cnn and transformer; set it to false or leave it out',
    );
}

function checkImageFeatures({ data, model, stage1: { images } }: Checked, report: Report): void {
  const asked = { statistics: images.statistics, embeddings: images.embeddings > 0 };
  for (const key of ['statistics', 'embeddings'] as const) {
    if (!asked[key]) continue;
    const path = ['stage1', 'images', key];
    if (data.images === undefined) report(path, 'needs data.images, where the images are');
    else if (!(model.modalities?.includes('image') ?? true))
      report(path, 'needs "image" in model.modalities');
  }
}

function checkRisk({ data, labels, stage1, tiers }: Checked, report: Report): void {
  const features = featuresOf(data).map(({ column }) => column);
  const names = labelsOf(labels).names;
  for (const [column, cuts] of Object.entries(stage1.bins.fixed)) {
    if (!data.numeric.includes(column))
      report(['stage1', 'bins', 'fixed', column], 'is not a column in data.numeric');
    if (cuts.some((cut, i) => i > 0 && cut <= cuts[i - 1]))
      report(['stage1', 'bins', 'fixed', column], 'cut points must ascend');
  }
  for (const [i, column] of stage1.forwardFill.entries())
    if (!features.includes(column))
      report(
        ['stage1', 'forwardFill', i],
        `"${column}" is not a feature column; ${suggestName(column, features)}`,
      );
  const isLabel = (label: string) => names === undefined || names.includes(label);
  for (const [label, columns] of Object.entries(tiers.diagnosisColumns)) {
    if (!isLabel(label))
      report(['tiers', 'diagnosisColumns', label], `"${label}" is not a label of the study`);
    for (const [i, column] of columns.entries())
      if (!features.includes(column))
        report(
          ['tiers', 'diagnosisColumns', label, i],
          `"${column}" is not a feature column; ${suggestName(column, features)}`,
        );
  }
  for (const [i, { label, column }] of tiers.overrides.entries()) {
    if (label !== undefined && !isLabel(label))
      report(['tiers', 'overrides', i, 'label'], `"${label}" is not a label of the study`);
    if (!features.includes(column))
      report(
        ['tiers', 'overrides', i, 'column'],
        `"${column}" is not a feature column; ${suggestName(column, features)}`,
      );
    const stated = Object.keys(tiers.diagnosisColumns).find(
      (name) => (label ?? name) === name && tiers.diagnosisColumns[name].includes(column),
    );
    if (stated !== undefined)
      report(
        ['tiers', 'overrides', i, 'column'],
        `"${column}" states the diagnosis of "${stated}" and may not define its tier; name other labels or another column`,
      );
  }
}

function checkSubgroups({ data, evaluation }: Checked, report: Report): void {
  const named = [...data.categorical, ...Object.keys(data.ordinal)];
  const seen = new Set<string>();
  for (const [i, { column, cuts }] of evaluation.subgroups.entries()) {
    const path = ['evaluation', 'subgroups', i];
    if (seen.has(column)) report(path, `names the column "${column}" twice`);
    seen.add(column);
    if (data.numeric.includes(column)) {
      if (cuts === null) report(path, `"${column}" is numeric; write { column: "${column}", cuts: [...] }`);
      else if (cuts.some((cut, at) => at > 0 && cut <= cuts[at - 1]))
        report([...path, 'cuts'], 'cut points must ascend');
    } else if (!named.includes(column))
      report(
        path,
        `"${column}" is not a numeric, categorical or ordinal feature column; ${suggestName(column, [...data.numeric, ...named])}`,
      );
    else if (cuts !== null) report(path, `"${column}" is not numeric; leave its cuts out`);
  }
}

function firstDuplicate(list: readonly string[]): string | undefined {
  return list.find((item, i) => list.indexOf(item) !== i);
}
