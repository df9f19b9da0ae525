import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cohort } from '../../src/data/index.js';
import { maskWords } from '../../src/study/maskWords.js';
import { parseStudy } from '../../src/study/parse.js';
import { dumpStudy, resolveStudy, studyHash } from '../../src/study/resolve.js';

const yaml = `labels: { columns: { N: Normal, A: Age related } }
name: eyes
split: { method: lists, test: lists/test.txt }
training: { loss: { name: asymmetric } }
data:
  valid: { age: [2, 120] }
  numeric: [age]
  table: eyes/eyes.csv
  images: { columns: [left, right], directory: eyes/images }
`;

test('a resolved study reads from the data folder, else from beside the study file', () => {
  const study = parseStudy(yaml, 'eyes.yaml');
  const resolved = resolveStudy(study, { studyFile: '/studies/eyes.yaml', dataDirectory: '/data' });
  assert.equal(resolved.cohort.table, '/data/eyes/eyes.csv');
  assert.equal(resolved.cohort.images?.directory, '/data/eyes/images');
  assert.deepEqual(resolved.cohort.labels, { columns: { N: 'Normal', A: 'Age related' } });
  assert.deepEqual(resolved.lists, { test: '/data/lists/test.txt' });
  assert.ok(!('maskWords' in resolved.cohort) && !('acceptFindings' in resolved.cohort));
  assert.equal(
    resolveStudy(study, { studyFile: '/studies/eyes.yaml' }).cohort.table,
    '/studies/eyes/eyes.csv',
  );
});

test('the written study parses to the same study, its keys in the order of the schema', () => {
  const study = parseStudy(yaml, 'eyes.yaml');
  const text = dumpStudy(study);
  assert.deepEqual(parseStudy(text, 'study.yaml'), study);
  assert.equal(dumpStudy(parseStudy(text, 'study.yaml')), text);
  const sections = text.match(/^\w+(?=:)/gm);
  assert.deepEqual(sections, [
    'name',
    'seed',
    'data',
    'labels',
    'split',
    'stage1',
    'model',
    'training',
    'tiers',
    'evaluation',
  ]);
  assert.match(
    text,
    /^ {2}imageSize: 64\n {2}channels: 1\n {2}contrast: recorded\n {2}mirror: false\n {2}modalities:/m,
  );
  assert.match(text, /gammaNegative: 4/, 'defaults of the chosen alternative are written');
});

test('the fingerprint changes with what is computed, not with order or name', () => {
  const hash = (text: string, ...overrides: string[]) => studyHash(parseStudy(text, 'eyes.yaml', overrides));
  const reordered = yaml
    .split('\n')
    .reverse()
    .filter((line) => /^(labels|name|split|training)/.test(line));
  const sameStudy = [...reordered, yaml.slice(yaml.indexOf('data:'))].join('\n');
  assert.equal(hash(sameStudy), hash(yaml));
  assert.equal(hash(yaml, 'name=other'), hash(yaml));
  assert.equal(hash(yaml, 'seed=1'), hash(yaml), 'a default written out is no change');
  assert.notEqual(hash(yaml, 'seed=2'), hash(yaml));
  assert.notEqual(hash(yaml, 'model.pyramid=false'), hash(yaml));
});

test('masked words leave no trace of the diagnosis and spare other words', () => {
  const cohort = {
    text: [
      {
        name: 'note',
        values: [
          'COVID-19 moving towards ARDS; post-Covids forCOVID-19',
          null,
          'pneumocystis  jirovecii (PCP)',
          'clear',
        ],
      },
    ],
    notes: [],
  } as unknown as Cohort;
  const masked = maskWords(cohort, ['covid', 'COVID-19', 'ards', 'Pneumocystis jirovecii', '(pcp)']);
  assert.deepEqual(masked.text[0].values, ['  moving towards  ; post-  for ', null, '   ', 'clear']);
  assert.equal(masked.notes[0].count, 2);
  assert.equal(maskWords(cohort, []), cohort);
});
