import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Estimate } from '../../src/metrics/index.js';
import { evaluateMultilabel } from '../../src/metrics/index.js';
import { type ReportInput, renderReport } from '../../src/report/index.js';
import { limitations } from '../../src/report/limitations.js';
import { sampleInput, visible } from './sample.js';

const input = sampleInput();
const report = renderReport(input);

/** The input with some of its parts replaced. */
const withParts = (parts: Partial<ReportInput>): ReportInput => ({ ...input, ...parts });

/** The input with one macro or overall estimate of the test block replaced. */
function withTest(change: {
  auroc?: Estimate;
  accuracy?: Estimate;
  allNegativeAccuracy?: Estimate;
}): ReportInput {
  const { auroc, ...overall } = change;
  const { test } = input.metrics;
  const macro = auroc === undefined ? test.macro : { ...test.macro, auroc: { ...auroc, labels: 4 } };
  return withParts({ metrics: { ...input.metrics, test: { ...test, ...overall, macro } } });
}

test('the headline states macro AUROC, its interval, the patients and the all-negative accuracy', () => {
  const page = visible(
    renderReport(
      withTest({
        auroc: { value: 0.7614, ci95: [0.7216, 0.7984] },
        accuracy: { value: 0.9127, ci95: [0.905, 0.92] },
        allNegativeAccuracy: { value: 0.936, ci95: [0.93, 0.942] },
      }),
    ),
  );
  assert.ok(
    page.includes(
      'Macro AUROC 0.761 (95 % CI 0.722 to 0.798) over 4 labels in 200 test patients; accuracy 91.3 % ' +
        '(95 % CI 90.5 % to 92.0 %) beside 93.6 % (95 % CI 93.0 % to 94.2 %) for calling every label negative.',
    ),
    page.slice(0, 600),
  );
  assert.ok(page.includes('does not exceed the all-negative baseline'));
  assert.ok(page.includes('The interval lies above 0.5'));
});

test('the verdict follows the intervals', () => {
  const says = (change: Parameters<typeof withTest>[0], sentence: string) =>
    assert.ok(visible(renderReport(withTest(change))).includes(sentence), sentence);
  says({ auroc: { value: 0.55, ci95: [0.49, 0.6] } }, 'cannot be told from chance');
  says({ auroc: { value: 0.4, ci95: [0.35, 0.45] } }, 'worse than chance');
  const baseline: Estimate = { value: 0.9, ci95: [0.89, 0.91] };
  says(
    { accuracy: { value: 0.905, ci95: [0.895, 0.92] }, allNegativeAccuracy: baseline },
    'intervals overlap',
  );
  says(
    { accuracy: { value: 0.95, ci95: [0.94, 0.96] }, allNegativeAccuracy: baseline },
    'Accuracy is above the all-negative baseline.',
  );
  says({ auroc: { value: null, reason: 'one class only' } }, 'Macro AUROC undefined: one class only');
});

test('every estimate of a label is printed with its interval', () => {
  const page = visible(report);
  for (const label of input.labels) {
    for (const metric of [
      'auroc',
      'auprc',
      'sensitivity',
      'specificity',
      'f1',
      'gmean',
      'brier',
      'ece',
    ] as const) {
      const estimate = input.metrics.test.labels[label][metric];
      assert.ok(estimate.value !== null && estimate.ci95 !== null);
      const [low, high] = estimate.ci95;
      const printed = `${estimate.value.toFixed(3)} ${low.toFixed(3)} to ${high.toFixed(3)}`;
      assert.ok(page.includes(printed), `${label} ${metric}: ${printed}`);
    }
  }
});

test('confusion matrices count the known test rows', () => {
  const { targets, known, decisions } = input.test;
  const counts = [0, 0, 0, 0];
  for (let at = 1; at < known.length; at += input.labels.length) {
    if (known[at] === 1) counts[2 * targets[at] + decisions[at]]++;
  }
  const [trueNegatives, falsePositives, falseNegatives, truePositives] = counts;
  const matrix = report.slice(report.indexOf('<strong>Cardiomegaly</strong>, threshold 0.210'));
  const cells = [...matrix.slice(0, matrix.indexOf('</table>')).matchAll(/<td style[^>]*>([\d,]+)</g)];
  assert.deepEqual(
    cells.map(([, text]) => Number(text.replace(',', ''))),
    [falseNegatives, truePositives, trueNegatives, falsePositives],
  );
});

test('an undefined metric prints its reason, and neither NaN nor a bare "undefined" appears', () => {
  const labels = ['present', 'absent'];
  const rows = 40;
  const cells = Array.from({ length: 2 * rows }, (_, at) => ({ absent: at % 2 === 1, row: at >> 1 }));
  const scored = {
    targets: Float32Array.from(cells, ({ absent, row }) => (!absent && row % 3 === 0 ? 1 : 0)),
    known: new Uint8Array(2 * rows).fill(1),
    probabilities: Float64Array.from(cells, ({ row }) => ((row * 7) % 11) / 20),
    decisions: Uint8Array.from(cells, ({ row }) => row & 1),
  };
  const patients = Int32Array.from({ length: rows }, (_, row) => row);
  const evaluation = evaluateMultilabel({ labels, ...scored, patients, resamples: 50, seed: 3 });
  const { auroc } = evaluation.labels.absent;
  assert.ok(auroc.value === null);
  const sample = sampleInput({ labels, rows });
  const page = renderReport({
    ...sample,
    metrics: { test: evaluation, validation: null },
    test: scored,
    thresholds: [[0.3], []],
    tiers: null,
    rules: null,
    training: [],
    features: { numeric: [], correlation: [], missing: [] },
  });
  const text = visible(page);
  assert.ok(
    text.includes(`Undefined: no AUROC for absent (${auroc.reason})`),
    'warned of on the first screen',
  );
  assert.ok(text.includes(`undefined: ${auroc.reason}`), 'printed where the number would be');
  assert.ok(text.includes('over 1 of 2 labels'));
  assert.ok(!page.includes('id="training"') && text.includes('The study defines no tiers.'));
  for (const whole of [page, report]) {
    assert.doesNotMatch(whole, /NaN|Infinity|\bnull\b|\[object/);
    assert.doesNotMatch(visible(whole), /\bundefined\b(?!: \w)/);
  }
});

/** Ids of the page's sections in their order. */
const sectionsOf = (page: string) => [...page.matchAll(/<section id="([^"]+)"/g)].map(([, id]) => id);

test('sections stand in the order of TRIPOD+AI, and the contents list them all', () => {
  assert.deepEqual(sectionsOf(report), [
    'participants',
    'predictors',
    'outcome',
    'sample-size',
    'missing-data',
    'model',
    'rules',
    'training',
    'performance',
    'thresholds',
    'discrimination',
    'calibration',
    'net-benefit',
    'operating-points',
    'tiers',
    'subgroups',
    'limitations',
    'provenance',
  ]);
  const contents = report.slice(report.indexOf('<nav'), report.indexOf('</nav>'));
  assert.deepEqual(
    [...contents.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id),
    sectionsOf(report),
  );
});

test('a run made before they were measured has no net benefit, operating points or subgroups', () => {
  const { test: now } = input.metrics;
  const labels = Object.fromEntries(
    Object.entries(now.labels).map(([label, measured]) => {
      const { decisionCurve: _, operatingPoints: __, subgroups: ___, ...earlier } = measured;
      return [label, earlier];
    }),
  );
  const page = renderReport(withParts({ metrics: { test: { ...now, labels }, validation: null } }));
  const left = sectionsOf(page);
  assert.deepEqual(
    sectionsOf(report).filter((id) => !left.includes(id)),
    ['net-benefit', 'operating-points', 'subgroups'],
  );
  assert.ok(!visible(page).includes('No subgroups:'), 'what was not recorded is not called absent');
});

test('stage 1 alone: no training section, and the model section says so', () => {
  const page = renderReport(
    withParts({
      training: [],
      study: { ...input.study, model: { kind: 'stage1', facts: [['Model', 'stage 1 alone']] } },
    }),
  );
  assert.ok(!sectionsOf(page).includes('training') && !page.includes('id="training-loss"'));
  assert.ok(visible(page).includes('No network predicts here: stage 1 is the model.'));
  assert.ok(!visible(report).includes('No network predicts'));
});

/** Cells of the rows of the table with the given caption, as text. */
function cellsOf(page: string, caption: string): string[][] {
  const at = page.indexOf(`<caption>${caption}`);
  assert.ok(at >= 0, `no table "${caption}"`);
  const body = page.slice(page.indexOf('<tbody>', at), page.indexOf('</tbody>', at));
  return [...body.matchAll(/<tr[^>]*>(.*?)<\/tr>/gs)].map(([, row]) =>
    [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell]) => visible(cell).trim()),
  );
}

const printed = (
  { value, ci95 }: { value: number | null; ci95?: readonly [number, number] | null },
  digits = 3,
) => {
  assert.ok(value !== null && ci95);
  return [value, ...ci95].map((x) => x.toFixed(digits).replace('-', '−'));
};
const inOneCell = (numbers: readonly string[]) => `${numbers[0]} ${numbers[1]} to ${numbers[2]}`;

test('operating points are printed as measured, and one that could not be chosen with its reason', () => {
  const rows = cellsOf(report, 'Operating points on test rows');
  assert.equal(rows.length, 3 * input.labels.length);
  for (const [l, label] of input.labels.entries()) {
    const [point] = input.metrics.test.labels[label].operatingPoints ?? assert.fail();
    assert.ok(point.thresholds !== null && point.expectedCost !== undefined);
    assert.deepEqual(rows[3 * l], [label]);
    const [rule, threshold, sensitivity, , , , , cost] = rows[3 * l + 1];
    assert.deepEqual(
      [rule, threshold, sensitivity, cost],
      [
        'least cost, a missed case worth 5 false positives',
        '0.300',
        inOneCell(printed(point.sensitivity)),
        inOneCell(printed(point.expectedCost)),
      ],
    );
    assert.equal(rows[3 * l + 2][1], 'none: no positive row');
  }
});

test('missing values are printed for every predictor and part of the split', () => {
  const rows = cellsOf(report, 'Rows without a value');
  assert.deepEqual(
    rows.map(([name]) => name),
    input.study.predictors.map(({ name }) => name),
  );
  assert.deepEqual(rows[0], ['ageYears', '0', '0', '0', 'the median, 54']);
  const counts = [24, 6, 3].map((count, p) => {
    const share = (100 * count) / input.split.parts[p].rows;
    return `${count} (${share.toFixed(1)} %)`;
  });
  assert.deepEqual(rows[3], ['sex', ...counts, 'a level of its own']);
  assert.equal(rows[4].at(-1), '–', 'nothing is put in place of an image');
});

test('a rule that may be chance says so', () => {
  const withPValue = (adjustedPValue: number | null) => {
    const rules = input.rules ?? assert.fail();
    const labels = rules.labels.map((list) => list.map((rule) => ({ ...rule, adjustedPValue })));
    return cellsOf(renderReport({ ...input, rules: { ...rules, labels } }), 'Rules per label')[1][3];
  };
  assert.ok(withPValue(0.3).endsWith('p = 0.300: may be chance'));
  assert.ok(withPValue(0.05).endsWith('may be chance'));
  assert.ok(withPValue(0.0004).endsWith('p &lt; 0.001'));
  assert.ok(!withPValue(null).includes('p '));
});

test('subgroups are printed as measured, with the groups that a gap lies between', () => {
  const rows = cellsOf(report, 'By sex: test rows');
  assert.equal(rows.length, 4 * input.labels.length);
  const [label] = input.labels;
  const { groups, ungrouped, gaps } = input.metrics.test.labels[label].subgroups?.sex ?? assert.fail();
  assert.ok(ungrouped > 0);
  assert.deepEqual(rows[0], [`${label} (without ${ungrouped} rows of unknown group)`]);
  assert.deepEqual(rows[1].slice(0, 4), [
    'F',
    `${groups[0].positives} / ${groups[0].n}`,
    String(groups[0].patients),
    inOneCell(printed(groups[0].auroc)),
  ]);
  assert.equal(rows[3][3], `${inOneCell(printed(gaps.auroc))} ${gaps.auroc.highest} − ${gaps.auroc.lowest}`);
});

test('a decision curve is printed as measured, with the thresholds at which it exceeds both simple policies', () => {
  const [label] = input.labels;
  const curve = input.metrics.test.labels[label].decisionCurve ?? assert.fail();
  const rows = cellsOf(report, `Net benefit of ${label}`);
  const tabulated = curve.filter((_, i) => i % 5 === 0 || i === curve.length - 1);
  assert.deepEqual(
    rows,
    tabulated.map(({ threshold, model, treatAll }) => [
      threshold.toFixed(3),
      inOneCell(printed(model, 4)).replaceAll('−0.0000', '0.0000'),
      (treatAll ?? assert.fail()).toFixed(4).replace('-', '−'),
    ]),
  );
  const [, stated] = cellsOf(report, 'Thresholds at which the model').find(([name]) => name === label) ?? [];
  const ranges = [...stated.matchAll(/([\d.]+)(?: to ([\d.]+))?/g)].map(([, a, b = a]) => [
    Number(a),
    Number(b),
  ]);
  for (const { threshold, model, treatAll } of curve) {
    const useful = model.value !== null && model.value > 0 && model.value > (treatAll ?? 0);
    const inRange = ranges.some(([a, b]) => threshold >= a - 5e-4 && threshold <= b + 5e-4);
    assert.equal(inRange, useful, `${label} at ${threshold}`);
  }
});

test('events are the rarer class, set against the candidate parameters', () => {
  const rows = cellsOf(report, 'Events per label');
  const [train, validation, held] = input.split.parts;
  for (const [l, label] of input.labels.entries()) {
    const events = [train, validation, held].map(({ rows: n, unknown, cooccurrence }) =>
      Math.min(cooccurrence[l][l], n - unknown[l] - cooccurrence[l][l]),
    );
    const ratio = events[0] / 30;
    assert.deepEqual(rows[l], [
      label,
      ...events.map((n) => n.toLocaleString('en-US')),
      `${ratio.toFixed(1)}${ratio < 10 ? ' fewer than 10' : ''}`,
    ]);
  }
});

test('limitations follow from facts: each appears with its cause and not without it', () => {
  const says = (changed: ReportInput, title: string) =>
    limitations(changed).some((finding) => finding.title === title);
  const block = (label: Partial<ReportInput['metrics']['test']['labels'][string]>): ReportInput => ({
    ...input,
    metrics: {
      ...input.metrics,
      test: {
        ...input.metrics.test,
        labels: Object.fromEntries(
          Object.entries(input.metrics.test.labels).map(([name, own]) => [name, { ...own, ...label }]),
        ),
      },
    },
  });
  const slope = (low: number, high: number) => ({
    calibrationSlope: { value: 1, ci95: [low, high] as const },
    calibrationIntercept: { value: 0, ci95: [-1, 1] as const },
  });
  const flat = (value: number) =>
    block({
      decisionCurve: [
        { threshold: 0.1, model: { value, ci95: null, reason: 'none asked for' }, treatAll: 0.01 },
      ],
    });
  const enough = { ...input.study, candidates: 1 };
  const missing = (count: number) => ({
    ...input.features,
    missing: input.features.missing.map(({ name }) => ({ name, parts: [count, 0, 0] })),
  });
  const pairs: [string, ReportInput, ReportInput][] = [
    ['Miscalibrated', block(slope(0.5, 0.9)), block(slope(0.9, 1.1))],
    ['No net benefit', flat(0.005), flat(0.02)],
    ['No subgroups', block({ subgroups: {} }), input],
    ['Not validated in time', withParts({ study: { ...input.study, order: 'visit' } }), input],
    [
      'Few events per predictor',
      withParts({ study: { ...input.study, candidates: 1000 } }),
      withParts({ study: enough }),
    ],
    ['Missing predictors', withParts({ features: missing(400) }), withParts({ features: missing(2) })],
    ['Unknown outcomes', block({ unknown: 40 }), block({ unknown: 1 })],
  ];
  for (const [title, present, absent] of pairs) {
    assert.ok(says(present, title), `${title} where it holds`);
    assert.ok(!says(absent, title), `${title} where it does not`);
  }
});

test('warnings name accepted findings, tiers out of order, few events and chance', () => {
  const page = visible(
    renderReport(
      withParts({
        acceptedFindings: [
          { code: 'target-proxy', message: 'Dx:HPV nearly determines Dx:Cancer', count: 18 },
        ],
      }),
    ),
  );
  assert.ok(page.includes('Accepted audit finding target-proxy : Dx:HPV nearly determines Dx:Cancer (18)'));
  assert.ok(page.includes('observed risk falls from one tier to the next higher for Effusion;'));
  const few = input.labels.filter((label) => input.metrics.test.labels[label].positives < 100);
  assert.deepEqual(few, ['Effusion', 'Infiltration']);
  assert.match(page, /fewer than 100 positive test rows for Effusion \(\d+\) and Infiltration \(\d+\);/);
  assert.ok(!page.includes('Not told from chance'));
});

test('a number that is not finite is refused, not printed', () => {
  assert.throws(
    () => renderReport(withTest({ auroc: { value: Number.NaN, ci95: [0, 1] } })),
    /RangeError: formatNumber: value must be finite, got NaN; record an undefined metric/,
  );
});
