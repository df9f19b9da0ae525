import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { augmentations } from '../../src/data/index.js';
import { ConfigError } from '../../src/errors.js';
import { fitTiers, resolveStage1Options, type TierPolicy } from '../../src/risk/index.js';
import { parseStudy } from '../../src/study/parse.js';
import { studyReference } from '../../src/study/reference.js';
import { studyJsonSchema } from '../../src/study/schemaKeys.js';

const minimal = `name: small
data:
  table: table.csv
  patient: who
  numeric: [age, weight]
labels:
  columns: [ill]
`;

/** The message with which a study is refused. */
function refusal(yaml: string, overrides: readonly string[] = []): string {
  try {
    parseStudy(yaml, 'small.yaml', overrides);
  } catch (error) {
    assert.ok(error instanceof ConfigError, `not a ConfigError: ${error}`);
    return error.message;
  }
  return assert.fail('the study was accepted');
}

test('a minimal study gets every default, and those that depend on other keys', () => {
  const study = parseStudy(minimal, 'small.yaml');
  assert.equal(study.seed, 1);
  assert.deepEqual(study.split, { method: 'holdout', test: 0.2, validation: 0.15, seed: 1 });
  assert.deepEqual(study.model.modalities, ['tabular']);
  assert.equal(study.model.imageSize, 64);
  assert.equal(study.model.interaction, true);
  assert.equal(study.training.loss.name, 'focal');
  assert.equal(study.training.optimizer.groups.cnn, 1);
  assert.equal(study.tiers.lowSensitivity, 0.9);
  assert.equal(parseStudy(minimal, 'small.yaml', ['model.size=base']).model.imageSize, 224);
  assert.equal(parseStudy(minimal, 'small.yaml', ['model.branches.cnn=false']).model.interaction, false);
  assert.equal(parseStudy(minimal, 'small.yaml', ['seed=7']).split.seed, 7);
});

test('an unknown key fails with file, line, place and the nearest key', () => {
  assert.match(
    refusal(`${minimal}training:\n  epoch: 3\n`),
    /^study small\.yaml, line 9: training has no key "epoch"; did you mean "epochs"\?$/,
  );
  assert.match(
    refusal(`${minimal}trainning: {}\n`),
    /the study has no key "trainning"; did you mean "training"\?/,
  );
  assert.match(
    refusal(`${minimal}training:\n  loss: { name: focal, gama: 2 }\n`),
    /line 9: training\.loss has no key "gama"; did you mean "gamma"\?/,
  );
  assert.match(
    refusal(`${minimal}training:\n  loss: { name: focal, margin: 0.1 }\n`),
    /training\.loss has no key "margin"; known names: "name", "gamma", "classWeights", "beta", "weightCap"/,
    'keys of another alternative are not suggested',
  );
  assert.match(
    refusal(`${minimal}training:\n  augmentation: { rotationDegree: 5 }\n`),
    /training\.augmentation has no key "rotationDegree"; did you mean "rotationDegrees"\?/,
    'inside a union',
  );
});

test('a wrong value names what it must be and what it is', () => {
  assert.match(
    refusal(`${minimal}model:\n  size: tny\n`),
    /line 9: model\.size: must be nano or tiny or base, got "tny"; did you mean "tiny"\?/,
  );
  assert.match(
    refusal(`${minimal}model:\n  imageSize: 50\n`),
    /model\.imageSize: must be a multiple of 32.*got 50/,
  );
  assert.match(refusal(`${minimal}training:\n  epochs: 0\n`), /training\.epochs: .*>=1, got 0/);
  assert.match(
    refusal(`${minimal}training:\n  loss: { name: fokal }\n`),
    /training\.loss\.name: must be one of focal, bce, asymmetric/,
  );
  assert.match(
    refusal(`${minimal}split: { method: kfold, folds: "5" }\n`),
    /split\.folds: expected number, got "5"/,
  );
  assert.match(refusal(minimal.replace('  table: table.csv\n', '')), /line 2: data\.table: is required/);
  assert.match(refusal(minimal.replace('name: small', 'name: a/b')), /line 1: name: must be letters/);
  assert.match(
    refusal(`${minimal}training:\n  augmentation: fundos\n`),
    /must be radiograph or fundus or none, got "fundos"; did you mean "fundus"\?/,
  );
  assert.match(refusal('- a\n'), /must be a map of sections.*got a list/);
  assert.match(refusal('name: [a\n'), /small\.yaml, line 2, column 1: not valid YAML/);
});

test('sections must fit each other', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [minimal.replace('[age, weight]', '[age, ill]'), /line 5: data\.numeric\.1: "ill" is a label/],
    [minimal.replace('[age, weight]', '[age, who]'), /data\.numeric\.1: "who" identifies rows or patients/],
    [minimal.replace('[age, weight]', '[age, age]'), /"age" a second time/],
    [minimal.replace('[ill]', '[ill, ill]'), /labels\.columns: names "ill" twice/],
    [minimal.replace('[ill]', '{ a: ill, b: ill }'), /names "ill" twice/],
    [minimal.replace('[ill]', '{}'), /must name at least one label/],
    [minimal.replace('columns: [ill]', 'column: ill'), /labels\.column: needs "delimiter"/],
    [minimal.replace('columns: [ill]', 'columns: [ill]\n  none: x'), /labels\.none: belongs to "column"/],
    [
      minimal.replace('  columns: [ill]', '  positive: [1]'.replace('1', 'a')),
      /exactly one of "columns" and "column"/,
    ],
    [minimal.replace('  numeric: [age, weight]\n', ''), /declares no features/],
    [`${minimal}model: { modalities: [image] }\n`, /"image" needs data\.images/],
    [
      `${minimal}model: { modalities: [tabular, text] }\n`,
      /model\.modalities\.1: "text" needs a column in data\.text/,
    ],
    [`${minimal}model: { branches: { cnn: false }, interaction: true }\n`, /needs both branches/],
    [minimal.replace('patient: who', 'history: 2'), /data\.history: needs data\.images/],
    [`${minimal}stage1: { bins: { fixed: { age: [40, 30] } } }\n`, /cut points must ascend/],
    [`${minimal}stage1: { forwardFill: [hight] }\n`, /"hight" is not a feature column/],
    [
      `${minimal}tiers: { overrides: [{ label: well, column: age, op: '>=', value: 3, tier: high }] }\n`,
      /"well" is not a label/,
    ],
    [
      `${minimal}tiers: { overrides: [{ column: age, op: '>', value: 3, tier: high }], diagnosisColumns: { ill: [age] } }\n`,
      /"age" states the diagnosis of "ill" and may not define its tier/,
    ],
    [minimal.replace('patient: who', 'valid: { age: [120, 0] }'), /lowest 120 is above highest 0/],
    [minimal.replace('patient: who', 'maskWords: [covid]'), /needs at least one column in data\.text/],
  ];
  for (const [yaml, message] of cases) assert.match(refusal(yaml), message);
});

test('subgroups are feature columns: numeric ones with cuts, others by name', () => {
  const grouped = minimal.replace('numeric:', 'categorical: [sex]\n  text: [note]\n  numeric:');
  const study = (subgroups: string) => `${grouped}evaluation: { subgroups: ${subgroups} }\n`;
  const { evaluation } = parseStudy(study('[sex, { column: age, cuts: [40, 60] }]'), 'small.yaml');
  assert.deepEqual(evaluation.subgroups, [
    { column: 'sex', cuts: null },
    { column: 'age', cuts: [40, 60] },
  ]);
  assert.deepEqual(evaluation.operatingPoints, { sensitivity: [0.9], specificity: [0.9], cost: [] });
  for (const [subgroups, message] of [
    ['[sx]', /evaluation\.subgroups\.0: "sx" is not a numeric, .* feature column; did you mean "sex"\?/],
    ['[note]', /"note" is not a numeric, categorical or ordinal feature column/],
    ['[age]', /"age" is numeric; write \{ column: "age", cuts: \[\.\.\.\] \}/],
    ['[{ column: sex, cuts: [1] }]', /"sex" is not numeric; leave its cuts out/],
    ['[{ column: age, cuts: [60, 40] }]', /cut points must ascend/],
    ['[sex, sex]', /evaluation\.subgroups\.1: names the column "sex" twice/],
    ['[{ column: age, cut: [40] }]', /has no key "cut"; did you mean "cuts"\?/],
  ] as const)
    assert.match(refusal(study(subgroups)), message);
  assert.match(refusal(`${minimal}evaluation: { operatingPoints: { sensitivity: [90] } }\n`), /got 90/);
});

test('a label or an identifier among the features is refused; what the audit finds is accepted by its key', () => {
  const feature = (column: string) =>
    minimal.replace('[age, weight]', `[age, ${column}]\n  acceptFindings: [${column}]`);
  assert.match(refusal(feature('ill')), /"ill" is a label and would give its answer away/);
  assert.match(refusal(feature('who')), /"who" identifies rows or patients/);
  const yaml = minimal.replace('[age, weight]', '[age, weight]\n  acceptFindings: ["target-proxy:age>ill"]');
  assert.deepEqual(parseStudy(yaml, 'small.yaml').data.acceptFindings, ['target-proxy:age>ill']);
});

test('--set changes typed values, names the nearest key and drops keys of the alternative left behind', () => {
  const set = (...pairs: string[]) =>
    parseStudy(`${minimal}split: { method: holdout, test: 0.3 }\n`, 'small.yaml', pairs);
  assert.equal(set('training.epochs=3').training.epochs, 3);
  assert.equal(set('training.clip=null').training.clip, null);
  assert.deepEqual(set('data.numeric=[age]').data.numeric, ['age']);
  assert.deepEqual(set('split.method=kfold', 'split.folds=4').split, {
    method: 'kfold',
    folds: 4,
    repeats: 1,
    validation: 0.15,
    seed: 1,
  });
  assert.equal(set('training.loss.name=bce').training.loss.name, 'bce');
  const { optimizer } = set('training.optimizer.learningRate=0.003').training;
  assert.deepEqual(
    [optimizer.name, optimizer.learningRate],
    ['adamw', 0.003],
    'the default alternative is meant',
  );
  assert.match(
    refusal(minimal, ['training.epoch=3']),
    /^--set training\.epoch=3: training has no key "epoch"; did you mean "epochs"\?$/,
  );
  assert.match(
    refusal(minimal, ['training.epochs=many']),
    /^--set training\.epochs: training\.epochs: expected number, got "many"$/,
  );
  assert.match(refusal(minimal, ['training.epochs']), /must be key=value/);
  assert.match(
    refusal(minimal, ['training.epochs.x=1']),
    /^--set training\.epochs\.x: training\.epochs: expected number, got/,
  );
  assert.match(refusal(minimal, ['seed=[1']), /not valid YAML/);
});

test('every key of the schema is described, since help and documentation are made from it', () => {
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties, anyOf, oneOf, items, additionalProperties } = node as Record<string, unknown>;
    for (const [key, child] of Object.entries(
      (properties ?? {}) as Record<string, { description?: string }>,
    )) {
      assert.ok((child.description ?? '').length > 10, `${path}.${key} has no description`);
      walk(child, `${path}.${key}`);
    }
    for (const option of [
      ...((anyOf ?? []) as unknown[]),
      ...((oneOf ?? []) as unknown[]),
      items,
      additionalProperties,
    ])
      walk(option, path);
  };
  walk(studyJsonSchema, 'study');
});

test('stage 1 has the same options and defaults in the study file as on its own', () => {
  const { enabled, images, ...options } = parseStudy(minimal, 'small.yaml').stage1;
  assert.equal(enabled, true);
  assert.deepEqual(images, { statistics: false, embeddings: 0, folds: 4, epochs: 10 });
  const { seed: _, ...own } = resolveStage1Options();
  assert.deepEqual(options, own);
});

test('tiers have the same policy and defaults in the study file as on their own', () => {
  const known = Uint8Array.of(1, 1);
  const fit = (policy?: TierPolicy) =>
    fitTiers(Float64Array.of(0.2, 0.7), Float32Array.of(0, 1), known, ['ill'], policy);
  assert.deepEqual(fit(parseStudy(minimal, 'small.yaml').tiers), fit());
});

test('ranges of an own augmentation are those of the augmenter, all off', () => {
  const { training } = parseStudy(`${minimal}training: { augmentation: {} }\n`, 'small.yaml');
  assert.deepEqual(training.augmentation, augmentations.none);
});

test('docs/study-file.md is what the schema says', () => {
  assert.equal(
    readFileSync('docs/study-file.md', 'utf8'),
    studyReference(),
    'run: npm run build && node scripts/study-file.mjs',
  );
});

test('every citation of the schema is in the bibliography', () => {
  const bibliography = readFileSync('docs/references.bib', 'utf8');
  const keys = [...studyReference().matchAll(/\[([a-z]+\d{4}[a-z]+)\]/g)].map((match) => match[1]);
  assert.ok(keys.length >= 3);
  for (const key of keys) assert.match(bibliography, new RegExp(`^@\\w+\\{${key},`, 'm'));
});
