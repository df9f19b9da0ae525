import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeStudy } from '../../src/study/describeStudy.js';
import { parseStudy } from '../../src/study/parse.js';

const yaml = `name: small
data:
  table: table.csv
  numeric: [age, weight]
labels:
  columns: [ill]
`;

function stage1Fact(term: string, ...overrides: string[]): string {
  const study = parseStudy(yaml, 'small.yaml', overrides);
  const { model } = describeStudy({ study, labels: ['ill'], stage1: null, network: false });
  const fact = model.facts.find(([name]) => name === term);
  return fact === undefined ? assert.fail(`no fact "${term}"`) : fact[1];
}

test('stage 1 is described with its classifier and what was done about class imbalance', () => {
  assert.match(stage1Fact('Classifier'), /^multivariate tree/);
  assert.match(stage1Fact('Classifier', 'stage1.classifier=logistic'), /^logistic regression/);
  assert.match(stage1Fact('Classifier', 'stage1.classifier=network'), /^fully connected network/);
  assert.equal(stage1Fact('Class imbalance'), 'both classes weigh the same');
  assert.equal(
    stage1Fact('Class imbalance', 'stage1.classWeight=none', 'stage1.resampling=smote'),
    'rows weigh the same; synthetic rows of the rarer class (SMOTE), made from training rows alone',
  );
});
