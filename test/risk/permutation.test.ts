import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, randomStream } from '../../src/random/index.js';
import { sortColumns } from '../../src/risk/cart.js';
import { permutationTest } from '../../src/risk/permutation.js';
import { criteria } from '../../src/risk/score.js';
import { bestThreshold, type CutTable, countCodes, cutTable, poolCounts } from '../../src/risk/threshold.js';

const search = (table: CutTable, counts: Float64Array) => bestThreshold(table, counts, 'youden', 1);

function run(
  columns: Float64Array[],
  target: Uint8Array,
  patients: Int32Array,
  permutations: number,
  random: Random,
  rows = Int32Array.from(target.keys()),
) {
  const features = sortColumns(columns, rows).map((order, f) => {
    const table = cutTable(columns[f], order, null, 255);
    const rule = search(table, poolCounts(countCodes(table, target, rows)));
    assert.ok(rule !== null);
    return { table, rule };
  });
  return permutationTest(features, target, rows, patients, permutations, search, random);
}

/** The best Youden index of any threshold in either direction, row by row. */
function slowSearch(column: Float64Array, target: ArrayLike<number>): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const cut of new Set(column)) {
    const cells = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
    column.forEach((value, row) => {
      if (value >= cut) target[row] === 1 ? cells.truePositives++ : cells.falsePositives++;
      else target[row] === 1 ? cells.falseNegatives++ : cells.trueNegatives++;
    });
    if (cells.falseNegatives + cells.trueNegatives === 0) continue;
    best = Math.max(best, Math.abs(criteria.youden(cells)));
  }
  return best;
}

const singles = (n: number) => Int32Array.from({ length: n }, (_, row) => row);

test('p-values are those of all permutations, written out, where these can be listed', () => {
  // 7 patients, 2 of them with the finding: 21 ways to deal it out.
  const columns = [
    Float64Array.of(1, 2, 3, 4, 5, 6, 7),
    Float64Array.of(0, 1, 0, 0, 1, 1, 0),
    Float64Array.of(3, 1, 4, 1, 5, 9, 2),
  ];
  const target = Uint8Array.of(0, 0, 0, 0, 0, 1, 1);
  const deals: number[][] = [];
  for (let a = 0; a < 7; a++) for (let b = a + 1; b < 7; b++) deals.push([a, b]);
  const scores = deals.map((deal) =>
    columns.map((column) =>
      slowSearch(
        column,
        Array.from(column, (_, row) => (deal.includes(row) ? 1 : 0)),
      ),
    ),
  );
  const observed = columns.map((column) => slowSearch(column, target));
  // Standardised over all deals, so that columns with more thresholds do not outshine the others.
  columns.forEach((_, f) => {
    const mean = scores.reduce((sum, deal) => sum + deal[f], 0) / deals.length;
    const sd = Math.sqrt(scores.reduce((sum, deal) => sum + (deal[f] - mean) ** 2, 0) / deals.length);
    observed[f] = (observed[f] - mean) / sd;
    for (const deal of scores) deal[f] = (deal[f] - mean) / sd;
  });
  const share = (holds: (deal: number[]) => boolean) => scores.filter(holds).length / deals.length;
  const raw = observed.map((t, f) => share((deal) => deal[f] >= t - 1e-9));
  const order = [0, 1, 2].sort((a, b) => observed[b] - observed[a]);
  const adjusted: number[] = [];
  order.forEach((f, k) => {
    const own = share((deal) => Math.max(...order.slice(k).map((g) => deal[g])) >= observed[f] - 1e-9);
    adjusted[f] = Math.max(own, k === 0 ? 0 : adjusted[order[k - 1]]);
  });
  const found = run(columns, target, singles(7), 20_000, randomStream(1, 'permutation'));
  found.forEach(({ pValue, adjustedPValue }, f) => {
    // Four standard errors of a share over 20,000 draws.
    const error = (p: number) => 4 * Math.sqrt((p * (1 - p)) / 20_000) + 1e-4;
    assert.ok(Math.abs(pValue - raw[f]) < error(raw[f]), `feature ${f}: ${pValue} is not ${raw[f]}`);
    assert.ok(
      Math.abs(adjustedPValue - adjusted[f]) < error(adjusted[f]),
      `${adjustedPValue}, ${adjusted[f]}`,
    );
  });
});

test('rows that repeat their patient change no p-value; taken as patients of their own they would', () => {
  const random = randomStream(4, 'table');
  const n = 40;
  const column = Float64Array.from({ length: n }, () => random.normal());
  const target = Uint8Array.from({ length: n }, (_, row) =>
    column[row] + 2 * random.normal() > 0.5 ? 1 : 0,
  );
  const one = run([column], target, singles(n), 400, randomStream(2));
  const rows = Array.from({ length: n * 3 }, (_, row) => row % n);
  const columns = [Float64Array.from(rows, (row) => column[row])];
  const repeated = Uint8Array.from(rows, (row) => target[row]);
  assert.deepEqual(run(columns, repeated, Int32Array.from(rows), 400, randomStream(2)), one);
  const [naive] = run(columns, repeated, singles(n * 3), 400, randomStream(2));
  assert.ok(naive.pValue < one[0].pValue / 2, `${naive.pValue} beside ${one[0].pValue}`);
});

test('patients exchange labels only with patients of as many rows', () => {
  // The two patients with two rows each hold one finding; nothing can change hands but their order of rows.
  const patients = Int32Array.of(0, 0, 1, 1, 2, 3, 4, 5);
  const target = Uint8Array.of(1, 0, 1, 0, 0, 0, 0, 0);
  const columns = [Float64Array.of(9, 0, 9, 0, 0, 0, 0, 0)];
  assert.deepEqual(run(columns, target, patients, 50, randomStream(1)), [{ pValue: 1, adjustedPValue: 1 }]);
});

test('without a finding to find, few searches claim one; without correction many would', () => {
  let raw = 0;
  let adjusted = 0;
  const repeats = 150;
  for (let seed = 0; seed < repeats; seed++) {
    const random = randomStream(seed, 'null');
    const columns = Array.from({ length: 12 }, () =>
      Float64Array.from({ length: 60 }, () => random.integer(9)),
    );
    const target = Uint8Array.from({ length: 60 }, (_, row) => (row % 4 === 0 ? 1 : 0));
    const found = run(columns, target, singles(60), 99, random);
    if (found.some(({ pValue }) => pValue <= 0.05)) raw++;
    if (found.some(({ adjustedPValue }) => adjustedPValue <= 0.05)) adjusted++;
    for (const { pValue, adjustedPValue } of found) assert.ok(adjustedPValue >= pValue && pValue >= 0.01);
  }
  // 5 % of 150 is 7.5, its standard deviation 2.7.
  assert.ok(adjusted <= 16, `${adjusted} of ${repeats} with correction`);
  assert.ok(raw > 40, `${raw} of ${repeats} without`);
});

test('a true finding is significant after correction, and equal seeds give equal values', () => {
  const random = randomStream(3, 'signal');
  const columns = Array.from({ length: 20 }, () => Float64Array.from({ length: 200 }, () => random.normal()));
  const target = Uint8Array.from(columns[7], (value) => (value > 0.8 || random.uniform() < 0.05 ? 1 : 0));
  const found = run(columns, target, singles(200), 199, randomStream(1));
  assert.equal(found[7].adjustedPValue, 1 / 200);
  assert.deepEqual(run(columns, target, singles(200), 199, randomStream(1)), found);
});

test('only the rows given are looked at', () => {
  const random = randomStream(6, 'rows');
  const column = Float64Array.from({ length: 60 }, () => random.normal());
  const target = Uint8Array.from({ length: 60 }, () => random.integer(2));
  const rows = singles(60).filter((row) => row % 3 !== 0);
  const flipped = target.map((value, row) => (row % 3 === 0 ? 1 - value : value));
  assert.deepEqual(
    run([column], flipped, singles(60), 100, randomStream(1), rows),
    run([column], target, singles(60), 100, randomStream(1), rows),
  );
});
