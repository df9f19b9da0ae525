import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  aurocExcess,
  familyQuantile,
  likelihoodRatio,
  likelihoodRatioBound,
} from '../../../src/data/audit/evidence.js';
import { differenceHash, HASH_BANDS } from '../../../src/data/audit/imageHash.js';
import { agreement } from '../../../src/data/audit/outcomeColumns.js';

interface Golden {
  quantiles: { tests: number; z: number }[];
  bounds: { counts: [number, number, number, number]; z: number; ratio: number | null; bound: number }[];
  excess: { in: [number, number, number, number]; z: number }[];
  hash: { size: number; pixels: number[]; rises: number[][] };
  kappas: { a: number[]; b: number[]; kappa: number }[];
}
/** Made by test/golden/audit/make_audit.py. */
const golden = JSON.parse(readFileSync('test/golden/audit/audit.json', 'utf8')) as Golden;

const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${actual}, expected ${expected}`,
  );

test('normal quantiles, one error for all tests together, as scipy has them', () => {
  for (const { tests, z } of golden.quantiles) close(familyQuantile(tests), z, 5e-4);
});

test('likelihood ratios and their lower bounds as root finding gives them, also where no negative has the sign', () => {
  for (const { counts, z, ratio, bound } of golden.bounds) {
    const [positivesWithSign, positives, negativesWithSign, negatives] = counts;
    const signs = { positives, negatives, positivesWithSign, negativesWithSign };
    assert.equal(likelihoodRatio(signs), ratio ?? Number.POSITIVE_INFINITY);
    close(likelihoodRatioBound(signs, z), bound, 1e-6);
  }
});

test('a likelihood ratio without positives, negatives or sign is undefined and bounded by 0', () => {
  const signs = { positives: 4, negatives: 4, positivesWithSign: 2, negativesWithSign: 1 };
  for (const lacking of [
    { positives: 0, positivesWithSign: 0 },
    { negatives: 0, negativesWithSign: 0 },
    { positivesWithSign: 0, negativesWithSign: 0 },
  ]) {
    assert.equal(likelihoodRatio({ ...signs, ...lacking }), null);
    assert.equal(likelihoodRatioBound({ ...signs, ...lacking }, 2), 0);
  }
});

test('the excess of an AUROC is in standard errors of Hanley and McNeil', () => {
  for (const { in: args, z } of golden.excess) close(aurocExcess(...args), z);
});

test('a difference hash holds the rises that numpy finds, each at one bit', () => {
  const { size, pixels, rises } = golden.hash;
  const hash = differenceHash(
    Float32Array.from(pixels, (value) => value / 255),
    1,
    size,
  );
  const bits = Array.from(hash, (word) => word.toString(2).replaceAll('0', '').length);
  assert.equal(
    bits.reduce((a, b) => a + b),
    rises.flat().reduce((a, b) => a + b),
  );
  rises.forEach((row, y) => {
    row.forEach((rise, x) => {
      const band = (x + 3 * y) % HASH_BANDS;
      const bit = (hash[band >>> 1] >>> (16 * (band & 1) + y)) & 1;
      assert.equal(bit, rise, `row ${y}, column ${x}`);
    });
  });
});

test("Cohen's kappa as scikit-learn has it, over rows where both are recorded", () => {
  for (const { a, b, kappa } of golden.kappas) {
    close(agreement(Int8Array.from(a), Int8Array.from(b)).kappa, kappa);
    close(agreement(Int8Array.from([...a, -1, 1]), Int8Array.from([...b, 1, -1])).kappa, kappa);
  }
  assert.equal(agreement(Int8Array.of(1, 1), Int8Array.of(1, 1)).kappa, 0, 'undefined where nothing varies');
});
