/** Tests, curves and segmentation scores beside scipy, scikit-image and numpy; make_comparisons.py wrote the values. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  adaptedRandError,
  chiSquaredTail,
  decisionCurve,
  fairBinomialTail,
  friedmanTest,
  fTail,
  holm,
  mcnemarTest,
  nemenyiTest,
  normalTail,
  studentizedRangeQuantile,
  studentizedRangeTail,
  variationOfInformation,
  wilcoxonTest,
} from '../../src/metrics/index.js';

type Tested = [statistic: number, pValue: number] | null;
interface Golden {
  tails: Record<'normal' | 'chiSquared' | 'f' | 'fairBinomial' | 'range' | 'rangeQuantile', number[][]>;
  friedman: {
    name: string;
    scores: number[][];
    meanRanks: number[];
    chiSquared: Tested;
    f: Tested;
    criticalDifference?: number;
    nemenyi?: number[][];
  }[];
  wilcoxon: { name: string; a: number[]; b: number[]; pairs: number; method: string; test: Tested }[];
  holm: { p: number[]; adjusted: number[] }[];
  segmentation: {
    name: string;
    truth: number[];
    test: number[];
    rand: [ignore: number[], error: number, precision: number, recall: number][];
    information: [ignore: number[], splits: number, merges: number][];
  }[];
  netBenefit: { name: string; p: number[]; y: number[]; points: [number, number, number][] }[];
  mcnemar: {
    a: number[];
    b: number[];
    y: number[];
    onlyARight: number;
    onlyBRight: number;
    pValue: number;
  }[];
}
const golden: Golden = JSON.parse(readFileSync('test/golden/metrics/comparisons.json', 'utf8'));

function near(actual: number | null, expected: number, what: string, tolerance = 1e-9): void {
  assert.ok(
    actual !== null && Math.abs(actual - expected) <= tolerance,
    `${what}: ${actual}, expected ${expected}`,
  );
}
const tested = (
  actual: { statistic: number | null; pValue: number | null; reason?: string },
  expected: Tested,
) => {
  if (expected === null) {
    assert.deepEqual([actual.statistic, actual.pValue], [null, null]);
    assert.ok(actual.reason);
    return;
  }
  near(actual.statistic, expected[0], 'statistic');
  near(actual.pValue, expected[1], 'p');
};

test('tails equal scipy’s, small ones to nine digits', () => {
  const { normal, chiSquared, f, fairBinomial } = golden.tails;
  const check = (rows: number[][], tail: (...of: number[]) => number) => {
    for (const row of rows) {
      const expected = row.at(-1)!;
      near(tail(...row.slice(0, -1)), expected, JSON.stringify(row), 1e-9 * expected);
    }
  };
  check(normal, normalTail);
  check(chiSquared, chiSquaredTail);
  check(f, fTail);
  check(fairBinomial, fairBinomialTail);
  assert.ok(normalTail(37) > 0 && normalTail(37) < 1e-290, 'a tail of 1e-299 is not lost');
});

test('the studentised range and its quantiles equal scipy’s', () => {
  for (const [q, k, tail] of golden.tails.range) near(studentizedRangeTail(q, k), tail, `${q} of ${k}`, 1e-8);
  for (const [alpha, k, q] of golden.tails.rangeQuantile)
    near(studentizedRangeQuantile(alpha, k), q, `${alpha} of ${k}`, 1e-6);
  // Two normals: the range is |N(0, 2)|, whose tail has digits where scipy's 1 − cdf has none left.
  for (const q of [1, 8, 20]) {
    const expected = 2 * normalTail(q / Math.SQRT2);
    near(studentizedRangeTail(q, 2), expected, `range of two beyond ${q}`, 1e-10 * expected);
  }
});

for (const { name, scores, ...expected } of golden.friedman) {
  test(`Friedman, Iman–Davenport and Nemenyi equal scipy's: ${name}`, () => {
    const friedman = friedmanTest(scores);
    expected.meanRanks.forEach((rank, model) => {
      near(friedman.meanRanks[model], rank, 'rank');
    });
    tested(friedman.chiSquared, expected.chiSquared);
    tested(friedman.imanDavenport, expected.f);
    if (expected.nemenyi === undefined || expected.criticalDifference === undefined) return;
    const { criticalDifference, pValues } = nemenyiTest(friedman);
    near(criticalDifference, expected.criticalDifference, 'critical difference', 1e-6);
    expected.nemenyi.forEach((row, a) => {
      row.forEach((p, b) => {
        near(pValues[a][b], p, `models ${a} and ${b}`, 1e-6);
      });
    });
  });
}

for (const { name, a, b, pairs, method, test: expected } of golden.wilcoxon) {
  test(`Wilcoxon's signed-rank test equals scipy's: ${name}`, () => {
    const result = wilcoxonTest(a, b);
    assert.deepEqual([result.pairs, result.method], [pairs, method]);
    tested(result, expected);
    assert.deepEqual(
      { ...wilcoxonTest(b, a) },
      { ...result },
      'which of the two comes first does not matter',
    );
  });
}

test('Holm’s correction equals the definition', () => {
  for (const { p, adjusted } of golden.holm) {
    const actual = holm(p);
    adjusted.forEach((value, i) => {
      near(actual[i], value, `place ${i}`);
    });
  }
});

for (const { name, truth, test: judged, rand, information } of golden.segmentation) {
  test(`segmentation scores equal scikit-image's: ${name}`, () => {
    const maps = [Int32Array.from(truth), Int32Array.from(judged)] as const;
    for (const [ignore, error, precision, recall] of rand) {
      const actual = adaptedRandError(...maps, ignore);
      near(actual.error, error, `error without ${ignore}`);
      near(actual.precision, precision, `precision without ${ignore}`);
      near(actual.recall, recall, `recall without ${ignore}`);
    }
    for (const [ignore, splits, merges] of information) {
      const actual = variationOfInformation(...maps, ignore);
      near(actual.falseSplits, splits, `splits without ${ignore}`);
      near(actual.falseMerges, merges, `merges without ${ignore}`);
    }
  });
}

for (const { name, p, y, points } of golden.netBenefit) {
  test(`decision curve equals numpy's: ${name}`, () => {
    const descending = [...points].reverse();
    const curve = decisionCurve(
      p,
      y,
      descending.map(([threshold]) => threshold),
    );
    descending.forEach(([threshold, model, treatAll], i) => {
      assert.equal(curve[i].threshold, threshold);
      near(curve[i].model, model, `model at ${threshold}`);
      near(curve[i].treatAll, treatAll, `treat all at ${threshold}`);
    });
  });
}

test('McNemar’s exact test equals scipy’s binomial test', () => {
  for (const { a, b, y, ...expected } of golden.mcnemar) {
    const { pValue, ...counts } = mcnemarTest(a, b, y);
    assert.deepEqual(counts, { onlyARight: expected.onlyARight, onlyBRight: expected.onlyBRight });
    near(pValue, expected.pValue, 'p');
  }
  assert.deepEqual(mcnemarTest([0, 1], [0, 1], [0, 0]), { onlyARight: 0, onlyBRight: 0, pValue: 1 });
});

test('a split segmentation loses recall, a merged one precision', () => {
  const [two, one] = [Int32Array.of(1, 1, 1, 2, 2, 2), Int32Array.of(1, 1, 1, 1, 1, 1)];
  const merged = adaptedRandError(two, one);
  assert.deepEqual([merged.precision, merged.recall], [12 / 30, 1]);
  const split = adaptedRandError(one, two);
  assert.deepEqual([split.precision, split.recall], [1, 12 / 30]);
  assert.deepEqual(variationOfInformation(two, one), { falseSplits: 0, falseMerges: 1, reason: null });
  assert.deepEqual(variationOfInformation(one, two), { falseSplits: 1, falseMerges: 0, reason: null });
});

test('segmentations without pairs or pixels are undefined with a reason', () => {
  const alone = Int32Array.of(1, 2, 3);
  const together = Int32Array.of(-5, -5, -5);
  assert.deepEqual(adaptedRandError(alone, together), {
    error: 1,
    precision: 0,
    recall: null,
    reason: 'no true segment holds two pixels',
  });
  assert.deepEqual(adaptedRandError(together, alone), {
    error: 1,
    precision: null,
    recall: 0,
    reason: 'no test segment holds two pixels',
  });
  assert.equal(adaptedRandError(alone, alone).error, null);
  assert.deepEqual(variationOfInformation(new Int32Array(3), together, [0]), {
    falseSplits: null,
    falseMerges: null,
    reason: 'no pixel has a true label that counts',
  });
});

test('comparisons refuse input that breaks a rule', () => {
  for (const [call, message] of [
    [() => friedmanTest([[1, 2, 3]]), /at least 2 blocks and 3 models, got 1 and 3/],
    [
      () =>
        friedmanTest([
          [1, 2],
          [1, 2],
        ]),
      /got 2 and 2; compare two models with wilcoxonTest/,
    ],
    [
      () =>
        friedmanTest([
          [1, 2, 3],
          [1, 2],
        ]),
      /every block must hold all 3 models, got 2 in block 1/,
    ],
    [
      () =>
        friedmanTest([
          [1, 2, 3],
          [1, Number.NaN, 3],
        ]),
      /values must be finite, got NaN in place 1 of block 1/,
    ],
    [() => wilcoxonTest([1], [1, 2]), /one value per pair, got 1 and 2/],
    [() => wilcoxonTest([1], [Number.NaN]), /got NaN in place 0 of the second/],
    [
      () => nemenyiTest({ blocks: 3, models: 3, meanRanks: [1, 2, 3] }, 1),
      /alpha must lie between 0 and 1, got 1/,
    ],
    [() => studentizedRangeTail(1, 1), /size must be an integer of at least 2, got 1/],
    [() => studentizedRangeTail(Number.NaN, 3), /q must be at least 0, got NaN/],
    [() => holm([0.5, 1.5]), /p-values must lie in \[0, 1\], got 1.5 in place 1/],
    [() => adaptedRandError(new Int32Array(2), new Int32Array(3)), /same pixels, got 2 and 3/],
    [() => decisionCurve([0.5], [1], [1]), /decisionCurve: a threshold must lie in \[0, 1\), got 1/],
    [() => mcnemarTest([1], [1, 0], [1, 0]), /the same rows, got 1 and 2 decisions/],
    [() => mcnemarTest([0.5], [1], [1]), /mcnemarTest: decisions must be 0 or 1, got 0.5 in row 0/],
  ] as const) {
    assert.throws(call, { message });
  }
});
