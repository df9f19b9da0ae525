import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadCohort } from '../../src/data/index.js';
import { ConfigError, DataError, NotFittedError, ShapeError } from '../../src/errors.js';
import { auroc } from '../../src/metrics/index.js';
import { randomStream } from '../../src/random/index.js';
import { groupedFolds } from '../../src/risk/folds.js';
import {
  applyStage1,
  fitStage1,
  type Stage1Features,
  type Stage1Model,
  type Stage1Settings,
  stage1Firings,
  stage1Probabilities,
} from '../../src/risk/index.js';

const labels = ['finding', 'other'];

interface Study {
  source: Stage1Features;
  targets: Float32Array;
  known: Uint8Array;
}

/** 240 visits of 120 patients; `finding` follows age and HPV, `other` follows grade and missing income. */
function makeStudy(seed = 1, n = 240): Study {
  const random = randomStream(seed, 'study');
  const age = Float64Array.from({ length: n }, () => 18 + random.integer(50));
  const noise = Float64Array.from({ length: n }, () => random.normal());
  const income = Float64Array.from({ length: n }, () =>
    random.uniform() < 0.3 ? Number.NaN : random.normal(),
  );
  const grade = Float64Array.from({ length: n }, () => random.integer(3));
  const hpv = Array.from({ length: n }, () => {
    const draw = random.uniform();
    return draw < 0.05 ? null : draw < 0.35 ? 'yes' : 'no';
  });
  const targets = new Float32Array(n * 2);
  const known = new Uint8Array(n * 2).fill(1);
  for (let row = 0; row < n; row++) {
    targets[row * 2] =
      random.uniform() < (age[row] >= 45 ? 0.4 : 0.08) + (hpv[row] === 'yes' ? 0.5 : 0) ? 1 : 0;
    targets[row * 2 + 1] =
      random.uniform() < (grade[row] === 2 ? 0.6 : 0.05) + (Number.isNaN(income[row]) ? 0.3 : 0) ? 1 : 0;
    if (row % 9 === 0) {
      known[row * 2] = 0;
      targets[row * 2] = 0;
    }
  }
  return {
    source: {
      size: n,
      patientIndex: Int32Array.from({ length: n }, (_, row) => row % (n / 2)),
      order: Float64Array.from({ length: n }, (_, row) => (row < n / 2 ? 1 : 2)),
      numeric: [
        { name: 'age', kind: 'numeric', values: age },
        { name: 'noise', kind: 'numeric', values: noise },
        { name: 'income', kind: 'numeric', values: income },
        { name: 'grade', kind: 'ordinal', levels: ['mild', 'moderate', 'severe'], values: grade },
        { name: 'constant', kind: 'numeric', values: new Float64Array(n).fill(7) },
      ],
      categorical: [{ name: 'HPV', values: hpv }],
    },
    targets,
    known,
  };
}

const everyRow = (n: number) => Int32Array.from({ length: n }, (_, row) => row);
const fit = (study: Study, rows = everyRow(study.source.size), settings: Stage1Settings = {}): Stage1Model =>
  fitStage1(study.source, study.targets, study.known, labels, rows, settings);
const settingsToTry: Stage1Settings[] = [
  {},
  { forwardFill: ['income', 'HPV'], categoricalMissing: 'mode', missingIndicators: false },
  { bins: { method: 'quantile', count: 4, fixed: { age: [30, 45, 60] } }, threshold: { criterion: 'f1' } },
  { bins: { method: 'tree', count: 4 }, threshold: { criterion: 'gmean', step: 0.5 } },
  { resampling: 'smote' },
  { classifier: 'logistic', threshold: { method: 'logistic' } },
  { classifier: 'network', resampling: 'smote', classWeight: 'none', network: { epochs: 5 } },
];

test('finds the features that matter and says so in the words of the table', () => {
  const [finding, other] = fit(makeStudy(11)).labels;
  const thresholds = (label: typeof finding) =>
    label.rules.filter((rule) => rule.kind === 'threshold').map((rule) => rule.text);
  assert.match(
    thresholds(finding).slice(0, 2).join('\n'),
    /^HPV = yes → higher risk: \d+ of \d+ such rows \(\d+ patients\) had finding \(\d+ %\), \d+ of \d+ others \(\d+ %\)$/m,
  );
  assert.match(thresholds(finding).slice(0, 2).join('\n'), /^age ≥ 4\d → higher risk:/m);
  assert.match(thresholds(other).slice(0, 2).join('\n'), /^grade ≥ severe → higher risk:/m);
  assert.match(thresholds(other).slice(0, 2).join('\n'), /^income missing → higher risk:/m);
});

test('values outside the training rows never change the model', () => {
  for (const settings of settingsToTry) {
    const study = makeStudy(3);
    const n = study.source.size;
    // Split within patients, which is worse than any sensible split: the second visits must still not leak.
    const rows = everyRow(n).filter((row) => row % 3 !== 0);
    const before = JSON.stringify(fit(study, rows, settings));
    const random = randomStream(9, 'perturb');
    const targets = study.targets.slice();
    const known = study.known.slice();
    const numeric = study.source.numeric.map((column) => ({ ...column, values: column.values.slice() }));
    const categorical = study.source.categorical.map((column) => ({ ...column, values: [...column.values] }));
    for (let row = 0; row < n; row += 3) {
      for (const { values } of numeric)
        values[row] = random.uniform() < 0.2 ? Number.NaN : 1000 * random.normal();
      for (const { values } of categorical) values[row] = `new ${random.integer(3)}`;
      for (let l = 0; l < 2; l++) {
        targets[row * 2 + l] = random.integer(2);
        known[row * 2 + l] = random.integer(2);
      }
    }
    const changed = { source: { ...study.source, numeric, categorical }, targets, known };
    assert.equal(JSON.stringify(fit(changed, rows, settings)), before);
    const inside = numeric[0].values.slice();
    inside[1] += 1;
    inside[2] = Number.NaN;
    const moved = {
      ...study.source,
      numeric: [{ ...study.source.numeric[0], values: inside }, ...study.source.numeric.slice(1)],
    };
    assert.notEqual(
      JSON.stringify(fit({ ...study, source: moved }, rows, settings)),
      before,
      'the test can fail',
    );
  }
});

test('the model is plain JSON and works the same after a round trip; equal seeds give equal models', () => {
  for (const settings of settingsToTry) {
    const study = makeStudy(4);
    const model = fit(study, undefined, settings);
    const revived = JSON.parse(JSON.stringify(model)) as Stage1Model;
    assert.deepEqual(revived, model, 'nothing in it is lost to JSON');
    assert.deepEqual(applyStage1(revived, study.source), applyStage1(model, study.source));
    assert.deepEqual(fit(study, undefined, settings), model);
  }
});

test('threshold rules carry p-values, corrected for the many features; leaves and a study without permutations none', () => {
  const study = makeStudy(11);
  const [finding] = fit(study, undefined, { threshold: { permutations: 99 } }).labels;
  const [best] = finding.rules;
  assert.deepEqual([best.pValue, best.adjustedPValue], [0.01, 0.01]);
  for (const { kind, pValue, adjustedPValue } of finding.rules) {
    if (kind === 'leaf') assert.deepEqual([pValue, adjustedPValue], [null, null]);
    else assert.ok(adjustedPValue! >= pValue! && pValue! >= 0.01 && adjustedPValue! <= 1);
  }
  const [without] = fit(study, undefined, { threshold: { permutations: 0 } }).labels;
  assert.ok(without.rules.every(({ pValue, adjustedPValue }) => pValue === null && adjustedPValue === null));
});

test('the order in which training rows are listed does not matter', () => {
  const study = makeStudy(5);
  const shuffled = randomStream(1, 'rows').shuffle(everyRow(study.source.size));
  assert.deepEqual(fit(study, shuffled), fit(study));
});

test('rules fire where their supports counted them, and exactly one leaf fires per row', () => {
  for (const settings of settingsToTry) {
    const study = makeStudy(6);
    const model = fit(study, undefined, settings);
    const { rules, probabilities } = applyStage1(model, study.source);
    assert.deepEqual(stage1Probabilities(model, study.source), probabilities);
    const byRule = stage1Firings(model, study.source);
    model.labels.forEach((label, l) => {
      label.rules.forEach((rule, i) => {
        const rows = everyRow(study.source.size).filter((row) => study.known[row * 2 + l] === 1);
        const fired = rows.filter((row) => rules[row][l].includes(i));
        assert.equal(fired.length, rule.with.n);
        for (const row of rows) assert.equal(byRule[l][i][row] === 1, rules[row][l].includes(i));
        assert.equal(fired.filter((row) => study.targets[row * 2 + l] === 1).length, rule.with.positives);
        assert.equal(rule.with.n + rule.without.n, label.n);
        assert.equal(rule.with.positives + rule.without.positives, label.positives);
        if (rule.kind === 'leaf' && label.classifier === undefined) {
          const expected = (rule.with.positives + 1) / (rule.with.n + 2);
          for (const row of fired) assert.equal(probabilities[row * 2 + l], expected);
        }
      });
      for (const row of rules) assert.equal(row[l].filter((i) => label.rules[i].kind === 'leaf').length, 1);
    });
  }
});

test('the second stage gets standardised top features and 0/1 rules', () => {
  const study = makeStudy(7);
  const model = fit(study);
  const { inputs } = applyStage1(model, study.source);
  assert.equal(inputs.values.length, study.source.size * inputs.names.length);
  assert.equal(new Set(inputs.names).size, inputs.names.length);
  model.inputs.forEach((input, f) => {
    const column = Array.from(
      everyRow(study.source.size),
      (row) => inputs.values[row * inputs.names.length + f],
    );
    if (input.kind === 'rule') {
      assert.deepEqual([...new Set(column)].sort(), [0, 1]);
      return;
    }
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length;
    assert.ok(Math.abs(mean) < 1e-6 && Math.abs(variance - 1) < 1e-5);
  });
});

test('bins are read back as their cut points', () => {
  const model = fit(makeStudy(2), undefined, { bins: { fixed: { age: [30, 45, 60] } } });
  const texts = model.labels[0].rules.map((rule) => rule.text).join('\n');
  assert.match(texts, /^age ≥ 45 → higher risk/m);
});

test('new patients may lack values and bring new categories; absent columns are named', () => {
  const study = makeStudy(8);
  const model = fit(study);
  const patient: Stage1Features = {
    size: 2,
    patientIndex: Int32Array.from([0, 1]),
    order: null,
    numeric: study.source.numeric.map((column) => ({
      ...column,
      values: new Float64Array(2).fill(Number.NaN),
    })),
    categorical: [{ name: 'HPV', values: ['pending', null] }],
  };
  const { probabilities, unseen, inputs } = applyStage1(model, patient);
  assert.ok(probabilities.every((p) => p > 0 && p < 1));
  assert.ok(inputs.values.every(Number.isFinite));
  assert.deepEqual(unseen, [{ column: 'HPV', rows: 1 }]);
  assert.deepEqual(probabilities.slice(0, 2), probabilities.slice(2), 'an unseen category is a missing one');
  assert.throws(
    () => applyStage1(model, { ...patient, numeric: patient.numeric.slice(1) }),
    (error) => {
      assert.ok(error instanceof DataError);
      assert.match(error.message, /"age"/);
      return true;
    },
  );
});

test('what cannot be learnt is noted, and what cannot be right is refused', () => {
  const study = makeStudy(9);
  const codes = (model: Stage1Model) => model.notes.map((note) => note.code);
  assert.ok(codes(fit(study)).includes('constant-column'));
  assert.ok(codes(fit(study, undefined, { topN: 50 })).includes('few-features'));
  assert.ok(codes(fit(study, undefined, { bins: { fixed: { age: [-5, 30] } } })).includes('empty-bin'));

  const never = { ...study, targets: study.targets.map((value, cell) => (cell % 2 === 0 ? 0 : value)) };
  const oneClass = fit(never);
  assert.ok(codes(oneClass).includes('one-class'));
  assert.deepEqual(oneClass.labels[0].rules, []);
  assert.equal(applyStage1(oneClass, study.source).probabilities[0], 1 / (oneClass.labels[0].n + 2));

  const once = {
    ...study,
    targets: study.targets.map((value, cell) => (cell === 2 ? 1 : cell % 2 === 0 ? 0 : value)),
  };
  const lonely = fit(once, undefined, { univariate: { minSamples: 1 } });
  assert.ok(codes(lonely).includes('few-patients'));
  assert.equal(lonely.labels[0].tree.tuned, null);
  for (const rule of lonely.labels[0].rules.filter(({ kind }) => kind === 'threshold')) {
    assert.equal(rule.score?.value, null);
  }

  const unknown = { ...study, known: study.known.map((value, cell) => (cell % 2 === 0 ? 0 : value)) };
  assert.throws(() => fit(unknown), DataError);
  assert.throws(() => fit(study, Int32Array.from([0, 0])), ShapeError);
  assert.throws(() => fit(study, new Int32Array(0)), ShapeError);
  assert.throws(() => fit(study, undefined, { topN: 0 }), ConfigError);
  assert.throws(() => fit(study, undefined, { bins: { fixed: { aeg: [30] } } }), /did you mean "age"/);
  assert.throws(() => fit(study, undefined, { bins: { fixed: { grade: [1] } } }), ConfigError);
  assert.throws(() => fit(study, undefined, { tree: { alpha: [-1] } }), ConfigError);
  assert.throws(() => fit(study, undefined, { threshold: { criterion: 'toString' as 'f1' } }), ConfigError);
  assert.throws(() => applyStage1({ ...fit(study), version: 2 as 1 }, study.source), NotFittedError);
});

test('the alternatives tell the finding apart, at its natural prevalence', () => {
  const study = makeStudy(12, 400);
  const rows = everyRow(400).filter((row) => study.known[row * 2] === 1);
  const target = Uint8Array.from(rows, (row) => study.targets[row * 2]);
  const prevalence = target.reduce((a, b) => a + b, 0) / target.length;
  for (const classifier of ['logistic', 'network'] as const) {
    for (const [resampling, classWeight] of [
      ['none', 'none'],
      ['none', 'balanced'],
      ['smote', 'none'],
    ] as const) {
      const model = fit(study, undefined, { classifier, resampling, classWeight, network: { epochs: 20 } });
      assert.equal(model.labels[0].classifier?.kind, classifier);
      const { probabilities } = applyStage1(model, study.source);
      const own = Float64Array.from(rows, (row) => probabilities[row * 2]);
      const mean = own.reduce((a, b) => a + b, 0) / own.length;
      const name = `${classifier}, ${resampling}, ${classWeight}`;
      assert.ok(Math.abs(mean - prevalence) < 0.04, `${name}: mean ${mean}, prevalence ${prevalence}`);
      assert.ok(auroc(own, target)! > 0.75, name);
    }
  }
});

test('synthetic rows stay inside the inner folds: labels without signal score about chance', () => {
  let sum = 0;
  const repeats = 10;
  for (let seed = 1; seed <= repeats; seed++) {
    const study = makeStudy(seed);
    const random = randomStream(seed, 'shuffled');
    const targets = study.targets.map(() => (random.uniform() < 0.12 ? 1 : 0));
    const model = fit({ ...study, targets }, undefined, {
      resampling: 'smote',
      tree: { maxDepth: [6], minSamples: [10], alpha: [0], minLeaf: 1, criterion: 'auc' },
      threshold: { resamples: 0 },
    });
    for (const { tree } of model.labels) sum += tree.crossValidated! / (repeats * 2);
  }
  assert.ok(Math.abs(sum - 0.5) < 0.06, `mean out-of-fold balanced accuracy ${sum}`);
});

test('columns and levels may bear any name', () => {
  const study = makeStudy(10);
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];
  const source: Stage1Features = {
    ...study.source,
    numeric: study.source.numeric.map((column, i) => ({ ...column, name: names[i] })),
    categorical: [
      {
        name: 'prototype',
        values: study.source.categorical[0].values.map((value) => (value === 'yes' ? '__proto__' : value)),
      },
    ],
  };
  const plain = fit(study, undefined, { forwardFill: ['income'] });
  const odd = fit({ ...study, source }, undefined, { forwardFill: ['toString'] });
  assert.deepEqual(
    applyStage1(JSON.parse(JSON.stringify(odd)) as Stage1Model, source).probabilities,
    applyStage1(plain, study.source).probabilities,
  );
});

test('labels that are unrelated to every feature score about chance out of fold', () => {
  let sum = 0;
  const repeats = 12;
  for (let seed = 1; seed <= repeats; seed++) {
    const study = makeStudy(seed);
    const random = randomStream(seed, 'shuffled');
    const targets = study.targets.map(() => (random.uniform() < 0.25 ? 1 : 0));
    const rows = everyRow(240);
    // Rankings pick the luckiest of the features; the average over all features must be chance.
    const scores = fit({ ...study, targets }, rows, { threshold: { resamples: 0 } }).labels.flatMap((label) =>
      label.univariate.map((feature) => feature.crossValidated!),
    );
    sum += scores.reduce((a, b) => a + b, 0) / scores.length / repeats;
  }
  assert.ok(Math.abs(sum) < 0.05, `mean out-of-fold Youden index ${sum}`);
});

const table = join(
  process.env.MEDFUSION_DATA ?? '../shared/data',
  'cervical/risk_factors_cervical_cancer.csv',
);

test('cervical: honest out-of-fold Biopsy AUROC lies in .5–.7', async (t) => {
  if (!existsSync(table)) return t.skip(`${table} is absent; set MEDFUSION_DATA`);
  const header = readFileSync(table, 'utf8').split('\n')[0].trim().split(',');
  const cohort = await loadCohort({
    table,
    labels: { columns: header.slice(-4) },
    numeric: header.slice(0, -4),
    dropDuplicateRows: true,
  });
  const biopsy = cohort.labels.indexOf('Biopsy');
  const rows = everyRow(cohort.size);
  const target = Uint8Array.from(rows, (row) => cohort.targets[row * 4 + biopsy]);
  const areas = [1, 2, 3].map((seed) => {
    const outer = groupedFolds(target, rows, cohort.patientIndex, 5, randomStream(seed, 'outer'));
    assert.ok(outer !== null);
    const outOfFold = new Float64Array(cohort.size);
    for (let fold = 0; fold < outer.folds; fold++) {
      const train = rows.filter((row) => outer.fold[row] !== fold);
      const model = fitStage1(cohort, cohort.targets, cohort.known, cohort.labels, train, {
        seed,
        threshold: { resamples: 0 },
      });
      const { probabilities } = applyStage1(model, cohort);
      for (const row of rows) if (outer.fold[row] === fold) outOfFold[row] = probabilities[row * 4 + biopsy];
    }
    const area = auroc(outOfFold, target);
    assert.ok(area !== null);
    return area;
  });
  const mean = areas.reduce((a, b) => a + b, 0) / areas.length;
  t.diagnostic(`Biopsy out-of-fold AUROC ${areas.map((area) => area.toFixed(3)).join(', ')}`);
  assert.ok(mean > 0.5 && mean < 0.7, `mean AUROC ${mean}`);
});
