import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  auroc,
  calibration,
  confusionCounts,
  evaluateMultilabel,
  evaluateSubgroups,
  ppv,
  sensitivity,
  specificity,
  subgroupMetrics,
} from '../../src/metrics/index.js';
import { assertEstimate, copiedRows, everyone, resampled, table } from './resampled.js';

const t = table(240, 90);
/** Three groups by row, some rows without one; the third is small. */
const grouping = {
  groups: ['low', 'middle', 'high'],
  ofRow: Int32Array.from(t.patients, (_, row) => (row % 11 === 10 ? -1 : row % 23 === 0 ? 2 : row % 2)),
};

test('each group has the metrics and intervals of its own copied rows, and the gaps follow', () => {
  const resamples = 60;
  const measured = evaluateSubgroups({ ...t, grouping, resamples, seed: 3 });
  const draws = resampled(t.patients, resamples, 3);
  for (const [label, name] of t.labels.entries()) {
    const { groups, gaps, ungrouped } = measured[name];
    const literal = (group: number, multiplicity: Int32Array) => {
      const rows = copiedRows(t, label, multiplicity).filter((row) => grouping.ofRow[row] === group);
      const column = (matrix: ArrayLike<number>) => rows.map((row) => matrix[row * 2 + label]);
      const [p, y] = [column(t.probabilities), column(t.targets)];
      const counts = confusionCounts(column(t.decisions), y);
      return {
        auroc: auroc(p, y),
        sensitivity: sensitivity(counts),
        specificity: specificity(counts),
        ppv: ppv(counts),
        calibrationInTheLarge: calibration(p, y).inTheLarge,
      };
    };
    for (const metric of subgroupMetrics) {
      const tolerance = metric === 'calibrationInTheLarge' ? 1e-5 : 1e-9;
      const of = (multiplicity: Int32Array) => [0, 1].map((group) => literal(group, multiplicity)[metric]!);
      const values = of(everyone(t.patients));
      const perDraw = draws.map(of);
      for (const group of [0, 1])
        assertEstimate(
          groups[group][metric],
          values[group],
          perDraw.map((draw) => draw[group]),
          `${name} ${metric} of group ${group}`,
          tolerance,
        );
      const gap = ([a, b]: number[]) => Math.abs(a - b);
      assertEstimate(gaps[metric], gap(values), perDraw.map(gap), `${name} gap of ${metric}`, 2 * tolerance);
      const [high, low] = values[0] > values[1] ? ['low', 'middle'] : ['middle', 'low'];
      assert.deepEqual([gaps[metric].highest, gaps[metric].lowest], [high, low]);
      assert.equal(groups[2][metric].value, null);
      assert.match(
        groups[2][metric].reason!,
        /^\d (rows with a known label|positives|negatives|rows decided positive), fewer than 10$/,
      );
    }
    const known = copiedRows(t, label, everyone(t.patients));
    const inGroup = (group: number) => known.filter((row) => grouping.ofRow[row] === group);
    assert.equal(ungrouped, inGroup(-1).length);
    groups.forEach(({ group, n, positives, patients }, g) => {
      assert.equal(group, grouping.groups[g]);
      assert.equal(n, inGroup(g).length);
      assert.equal(positives, inGroup(g).filter((row) => t.targets[row * 2 + label] === 1).length);
      assert.equal(patients, new Set(inGroup(g).map((row) => t.patients[row])).size);
    });
  }
});

test('one group of all rows has the metrics of the whole and no gap', () => {
  const all = { groups: ['all', 'nobody'], ofRow: new Int32Array(240) };
  const { b } = evaluateSubgroups({ ...t, grouping: all, resamples: 30, seed: 2 });
  const whole = evaluateMultilabel({ ...t, resamples: 30, seed: 2 }).labels.b;
  for (const metric of subgroupMetrics) assert.deepEqual(b.groups[0][metric], whole[metric]);
  assert.equal(b.groups[1].n, 0);
  assert.match(b.groups[1].auroc.reason!, /^0 rows with a known label, fewer than 10$/);
  assert.deepEqual(b.gaps.auroc, {
    value: null,
    reason: 'fewer than two groups have enough rows, got 1 of 2',
    highest: null,
    lowest: null,
  });
});

test('repeats are measured one by one and averaged', () => {
  const twice = <A extends Float64Array | Uint8Array | Int32Array>(array: A): A => {
    const both = new (array.constructor as new (n: number) => A)(2 * array.length);
    both.set(array);
    both.set(array, array.length);
    return both;
  };
  const other = t.probabilities.map((p, i) => (i % 3 === 0 ? p * p : p));
  const both = {
    ...t,
    probabilities: Float64Array.from([...t.probabilities, ...other]),
    decisions: twice(t.decisions),
    targets: Float64Array.from([...t.targets, ...t.targets]),
    known: twice(t.known),
    patients: twice(t.patients),
    repeat: Int32Array.from({ length: 480 }, (_, row) => Number(row >= 240)),
    grouping: { ...grouping, ofRow: twice(grouping.ofRow) },
  };
  const value = (predictions: Parameters<typeof evaluateSubgroups>[0]) =>
    evaluateSubgroups({ ...predictions, resamples: 0 }).a.groups[1].auroc.value!;
  const single = { ...t, grouping, seed: 1 };
  const mean = (value(single) + value({ ...single, probabilities: other })) / 2;
  assert.ok(Math.abs(value({ ...both, seed: 1 }) - mean) < 1e-12);
  assert.notEqual(value(single), mean);
});

test('a lower limit measures smaller groups; broken groupings are refused', () => {
  const { a } = evaluateSubgroups({ ...t, grouping, fewest: 1, resamples: 0, seed: 1 });
  assert.equal(typeof a.groups[2].auroc.value, 'number');
  const call = (changes: object) => () => evaluateSubgroups({ ...t, grouping, seed: 1, ...changes });
  assert.throws(call({ fewest: 0 }), /fewest must be an integer of at least 1, got 0/);
  assert.throws(call({ grouping: { ...grouping, ofRow: new Int32Array(3) } }), /got 3 for 240 rows/);
  assert.throws(
    call({ grouping: { ...grouping, ofRow: new Int32Array(240).fill(3) } }),
    /a group must be -1 or an index into 3 groups, got 3 in row 0/,
  );
});
