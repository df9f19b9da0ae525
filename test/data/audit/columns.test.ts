import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditSample } from '../../../src/data/audit/sample.js';
import { findTargetProxies } from '../../../src/data/audit/targetProxies.js';
import { auditCohort, type Cohort } from '../../../src/data/index.js';
import { auroc } from '../../../src/metrics/index.js';
import { cohortOf, drawn, thirds } from './sampleTables.js';

const n = 600;
const ill = drawn(n, 1, (random) => (random.uniform() < 0.2 ? 1 : 0));
const noise = drawn(n, 2, (random) => random.normal());
const found = (cohort: Cohort) =>
  auditCohort({ cohort, splits: [] }).map(({ key, severity }) => `${severity} ${key}`);

test('honest features raise nothing', () => {
  const fever = drawn(n, 3, (random, i) => (random.uniform() < (ill[i] ? 0.7 : 0.25) ? 1 : 0));
  const crp = drawn(n, 4, (random, i) => Math.exp(2 + ill[i] + random.normal()));
  const ward = Array.from(
    drawn(n, 5, (random) => random.integer(30)),
    String,
  );
  assert.deepEqual(
    found(cohortOf({ labels: { ill }, numeric: { fever, crp, noise }, categorical: { ward } })),
    [],
  );
});

test('a copy of a label, one with errors, and one inverted are proxies, as numbers and as categories', () => {
  const inexact = drawn(n, 6, (random, i) => (random.uniform() < 0.03 ? 1 - ill[i] : ill[i]));
  const copies = { ill, inexact, inverted: ill.map((value) => 1 - value) };
  for (const [name, values] of Object.entries(copies)) {
    const expected = [`serious target-proxy:${name}>sick`];
    assert.deepEqual(
      found(cohortOf({ labels: { sick: ill }, numeric: { noise, [name]: values } })),
      expected,
    );
    const words = Array.from(values, (value) => (value === 1 ? 'yes' : 'no'));
    const asWords = cohortOf({ labels: { sick: ill }, numeric: { noise }, categorical: { [name]: words } });
    assert.deepEqual(found(asWords), expected);
  }
});

test('a number that ranks the label, one that does so from the middle outwards, and a missing value are proxies', () => {
  const titre = drawn(n, 7, (random, i) => 6 * ill[i] + random.normal());
  const distance = drawn(n, 8, (random, i) =>
    ill[i] ? random.normal() / 3 : Math.sign(random.normal()) * 5 + random.normal(),
  );
  const biopsied = drawn(n, 9, (random, i) => (ill[i] ? random.normal() : Number.NaN));
  for (const [name, values] of Object.entries({ titre, distance, measured: biopsied })) {
    assert.deepEqual(found(cohortOf({ labels: { ill }, numeric: { noise, [name]: values } })), [
      `serious target-proxy:${name}>ill`,
    ]);
  }
});

test('codes that each decide the label are a proxy even where none is frequent', () => {
  const codes = Array.from(
    drawn(n, 10, (random, i) => 100 * ill[i] + random.integer(20)),
    String,
  );
  assert.deepEqual(found(cohortOf({ labels: { ill }, categorical: { codes } })), [
    'serious target-proxy:codes>ill',
    'note duplicate-rows:patients',
  ]);
});

test('a few patients, or one patient with many rows, prove nothing', () => {
  const rare = Float64Array.from({ length: n }, (_, i) => (i < 3 ? 1 : 0));
  assert.deepEqual(found(cohortOf({ labels: { ill: rare }, numeric: { flag: rare, noise } })), []);
  const visits = Float64Array.from({ length: n }, (_, i) => (i < 200 ? 1 : 0));
  const patients = Float64Array.from({ length: n }, (_, i) => (i < 200 ? Math.floor(i / 100) : i));
  const cohort = cohortOf({ labels: { ill: visits }, numeric: { flag: visits, noise }, patients });
  assert.deepEqual(found(cohort), []);
});

test('what only held-out rows show is not looked at', () => {
  const split = thirds(n);
  const leaky = Float64Array.from({ length: n }, (_, i) => (i % 3 === 2 ? 9 * ill[i] : 0) + noise[i]);
  const cohort = cohortOf({ labels: { ill }, numeric: { leaky } });
  const keys = (splits: (typeof split)[]) => auditCohort({ cohort, splits }).map(({ key }) => key);
  assert.deepEqual(keys([split]), []);
  assert.deepEqual(keys([{ ...split, train: split.test, test: split.train }]), ['target-proxy:leaky>ill']);
});

test('the out-of-fold AUROC in the message is that of a slow, literal one', () => {
  const cohort = cohortOf({
    labels: { ill },
    categorical: {
      kind: Array.from(
        drawn(n, 11, (random, i) => 30 * ill[i] + random.integer(32)),
        String,
      ),
    },
  });
  const [finding] = findTargetProxies(cohort, auditSample(cohort, []));
  const { values } = cohort.categorical[0];
  const rows = Array.from({ length: n }, (_, row) => row);
  const prior = ill.reduce((a, b) => a + b) / n;
  let [sum, pairs] = [0, 0];
  for (let fold = 0; fold < 5; fold++) {
    const held = rows.filter((row) => row % 5 === fold);
    const scores = held.map((row) => {
      const same = rows.filter((other) => other % 5 !== fold && values[other] === values[row]);
      return (same.reduce((total, other) => total + ill[other], 0) + prior) / (same.length + 1);
    });
    const targets = held.map((row) => ill[row]);
    const positives = targets.reduce((a, b) => a + b);
    const weight = positives * (held.length - positives);
    sum += auroc(scores, targets)! * weight;
    pairs += weight;
  }
  assert.ok(
    finding.message.includes(`AUROC of ${(sum / pairs).toFixed(3)}`),
    `${finding.message}; ${sum / pairs}`,
  );
});

test('two outcomes among the features that state the same are named, and columns with names of outcomes', () => {
  const cancer = drawn(n, 12, (random) => (random.uniform() < 0.1 ? 1 : 0));
  const hpv = cancer.map((value, i) => (i % 150 === 7 ? 1 - value : value));
  const pair = { 'Dx:Cancer': cancer, 'Dx:HPV': hpv };
  assert.deepEqual(found(cohortOf({ labels: { ill }, numeric: { ...pair, noise } })), [
    'warning target-proxy:Dx:HPV>Dx:Cancer',
    'warning outcome-name:Dx:Cancer',
    'warning outcome-name:Dx:HPV',
  ]);
  const harmless = { smokes: cancer, 'smokes (years)': hpv };
  assert.deepEqual(found(cohortOf({ labels: { ill }, numeric: { ...harmless, noise } })), []);
  assert.deepEqual(
    found(cohortOf({ labels: { heart_failure: ill }, numeric: { heartFailureBefore: noise } })),
    ['warning outcome-name:heartFailureBefore'],
  );
});

test('constant and empty columns, identifiers, codes for missing values', () => {
  const rows = Array.from({ length: n }, (_, row) => row);
  const ages = drawn(n, 13, (random) => Math.round(55 + 8 * random.normal()));
  const skewed = drawn(n, 14, (random) => Math.exp(2 + 1.2 * random.normal()));
  const cohort = cohortOf({
    labels: { ill },
    numeric: {
      same: new Float64Array(n).fill(3),
      empty: new Float64Array(n).fill(Number.NaN),
      counter: Float64Array.from(rows, (row) => 1000 + 2 * row),
      age: ages.map((age, i) => (i === 5 ? 414 : i % 100 === 9 ? 1 : age)),
      dose: ages.map((age, i) => (i % 60 === 2 ? 999 : age)),
      skewed,
    },
    categorical: { accession: rows.map((row) => `A${row}`) },
  });
  const findings = auditCohort({ cohort, splits: [] });
  assert.deepEqual(
    findings.map(({ key, severity }) => `${severity} ${key}`),
    [
      'warning identifier:accession',
      'warning identifier:counter',
      'note constant-column:same',
      'note constant-column:empty',
      'note implausible-values:age',
      'note implausible-values:dose',
    ],
  );
  const lines = (key: string) => findings.find((finding) => finding.key === key)?.rows;
  assert.deepEqual(lines('implausible-values:age'), [7, 11, 111, 211, 311, 411, 511]);
  assert.deepEqual(lines('implausible-values:dose'), [4, 64, 124, 184, 244, 304, 364, 424, 484, 544]);
});

test('a finding names columns, lines and counts, but no value', () => {
  const secret = Array.from(ill, (value, i) => (value ? 'Zyxwvut' : `other ${i % 7}`));
  const findings = auditCohort({
    cohort: cohortOf({ labels: { ill }, categorical: { secret } }),
    splits: [],
  });
  assert.ok(findings.length > 0);
  assert.ok(!/Zyxwvut|other \d/.test(JSON.stringify(findings)));
});
