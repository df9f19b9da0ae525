import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { randomStream } from '../../src/random/index.js';
import { trainingSample } from '../../src/risk/sample.js';
import { smote } from '../../src/risk/smote.js';

const table = fc.integer({ min: 4, max: 30 }).chain((n) =>
  fc.record({
    numeric: fc.array(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: n, maxLength: n }), {
      minLength: 0,
      maxLength: 3,
    }),
    binary: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: n, maxLength: n }),
    target: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: n, maxLength: n }),
    seed: fc.integer(),
  }),
);
type Table = typeof table extends fc.Arbitrary<infer T> ? T : never;

const columnsOf = ({ numeric, binary }: Table) =>
  [...numeric, binary].map((column) => Float64Array.from(column));
const sd = (values: readonly number[]) => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
};

/** The article's algorithm, step by step, on rows as small arrays. */
function literal(columns: Float64Array[], target: Uint8Array, seed: number): number[][] {
  const random = randomStream(seed, 'smote');
  const all = [...target.keys()].map((row) => columns.map((column) => column[row]));
  const ones = target.filter((y) => y === 1).length;
  const minority = ones <= target.length - ones ? 1 : 0;
  const rare = all.filter((_, row) => target[row] === minority);
  const wanted = rare.length === 0 ? 0 : all.length - 2 * rare.length;
  if (wanted === 0) return [];
  const nominal = columns.map((column) => new Set(column).size <= 2);
  const spread = columns.map((column) => sd([...column]));
  const spreads = columns
    .flatMap((_, c) => (nominal[c] ? [] : [sd(rare.map((row) => row[c])) / spread[c]]))
    .sort((a, b) => a - b);
  const half = Math.floor(spreads.length / 2);
  const median =
    spreads.length === 0
      ? 1
      : spreads.length % 2 === 1
        ? spreads[half]
        : (spreads[half - 1] + spreads[half]) / 2;
  const distance = (a: number[], b: number[]) =>
    a.reduce((sum, value, c) => {
      if (nominal[c]) return sum + (value === b[c] ? 0 : median ** 2);
      return sum + (value / spread[c] - b[c] / spread[c]) ** 2;
    }, 0);
  const extra = [...random.shuffle(Int32Array.from(rare.keys()))].slice(0, wanted % rare.length);
  const starts = Array.from({ length: wanted - extra.length }, (_, i) => i % rare.length).concat(extra);
  return starts.map((start) => {
    const near = rare
      .map((row, i) => ({ row, i, d: distance(rare[start], row) }))
      .filter(({ i }) => i !== start)
      .sort((a, b) => a.d - b.d || a.i - b.i)
      .slice(0, 5)
      .map(({ row }) => row);
    const end = near.length === 0 ? rare[start] : near[random.integer(near.length)];
    const gap = random.uniform();
    return rare[start].map((value, c) => {
      if (!nominal[c]) return value + gap * (end[c] - value);
      const same = near.filter((row) => row[c] === value).length;
      return same * 2 >= near.length ? value : near.find((row) => row[c] !== value)![c];
    });
  });
}

test('synthetic rows are those of the article, written out row by row', () => {
  fc.assert(
    fc.property(table, (drawn) => {
      const columns = columnsOf(drawn);
      const target = Uint8Array.from(drawn.target);
      const made = smote(columns, target, randomStream(drawn.seed, 'smote'));
      const rows = Array.from({ length: made.columns[0].length }, (_, s) => made.columns.map((c) => c[s]));
      const expected = literal(columns, target, drawn.seed);
      assert.equal(rows.length, expected.length);
      rows.forEach((row, s) => {
        for (const [c, value] of row.entries()) assert.ok(Math.abs(value - expected[s][c]) < 1e-9);
      });
    }),
    { seed: 6, numRuns: 300 },
  );
});

test('both classes end equally large, and every synthetic row lies between two minority rows', () => {
  fc.assert(
    fc.property(table, (drawn) => {
      fc.pre(drawn.numeric.every((column) => new Set(column).size > 2));
      const columns = columnsOf(drawn);
      const target = Uint8Array.from(drawn.target);
      const { minority, columns: made } = smote(columns, target, randomStream(drawn.seed));
      const rare = [...target.keys()].filter((row) => target[row] === minority);
      const synthetic = made[0].length;
      if (rare.length > 0) assert.equal(rare.length + synthetic, target.length - rare.length);
      const interpolated = columns.slice(0, -1);
      for (let s = 0; s < synthetic; s++) {
        const between = rare.some((a) =>
          rare.some((b) => {
            // The share of the way, read off the column in which the two differ most.
            const gaps = interpolated.map((column) => column[b] - column[a]);
            const widest = gaps.reduce((w, gap, c) => (Math.abs(gap) > Math.abs(gaps[w]) ? c : w), 0);
            const share =
              gaps.length === 0 || gaps[widest] === 0
                ? 0
                : (made[widest][s] - interpolated[widest][a]) / gaps[widest];
            return (
              share >= 0 &&
              share <= 1 &&
              interpolated.every((column, c) => Math.abs(made[c][s] - column[a] - share * gaps[c]) < 1e-9)
            );
          }),
        );
        assert.ok(between, `synthetic row ${s}`);
        assert.ok(columns.at(-1)!.includes(made.at(-1)![s]), 'a binary column stays binary');
      }
    }),
    { seed: 7, numRuns: 200 },
  );
});

test('a lone minority row is repeated; with one class, or equal classes, nothing is made', () => {
  const columns = [Float64Array.of(1, 2, 3, 9)];
  const alone = smote(columns, Uint8Array.of(0, 0, 0, 1), randomStream(1));
  assert.deepEqual([alone.minority, ...alone.columns[0]], [1, 9, 9]);
  assert.equal(smote(columns, Uint8Array.of(0, 0, 0, 0), randomStream(1)).columns[0].length, 0);
  assert.equal(smote(columns, Uint8Array.of(0, 1, 0, 1), randomStream(1)).columns[0].length, 0);
});

test('rows that are not fitted on never enter: poisoned, they leave every bit alone', () => {
  const random = randomStream(8, 'poison');
  const n = 90;
  const columns = [0, 1, 2].map(() => Float64Array.from({ length: n }, () => random.normal()));
  const target = Uint8Array.from({ length: n }, () => (random.uniform() < 0.2 ? 1 : 0));
  const rows = Int32Array.from(target.keys()).filter((row) => row % 3 !== 0);
  const options = { resampling: 'smote', classWeight: 'balanced' } as const;
  const sampleOf = (from: Float64Array[], truth: Uint8Array) =>
    trainingSample(from, truth, rows, options, randomStream(1, 'sample'));
  const before = sampleOf(columns, target);
  assert.ok(before.target.length > before.real);
  const poisoned = columns.map((column) => column.map((value, row) => (row % 3 === 0 ? Number.NaN : value)));
  const flipped = target.map((value, row) => (row % 3 === 0 ? 1 - value : value));
  assert.deepEqual(sampleOf(poisoned, flipped), before);
  flipped[1] = 1 - flipped[1];
  assert.notDeepEqual(sampleOf(poisoned, flipped), before, 'the test can fail');
});

test('class weights and synthetic rows both make the classes even, and say by how much', () => {
  const target = Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 0);
  const columns = [Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8)];
  const rows = Int32Array.from(target.keys());
  const weights = (resampling: 'none' | 'smote', classWeight: 'none' | 'balanced') => {
    const sample = trainingSample(columns, target, rows, { resampling, classWeight }, randomStream(1));
    const [negative, positive] = sample.effectiveWeight;
    return [...sample.classWeight, positive / negative];
  };
  assert.deepEqual(weights('none', 'none'), [1, 1, 1]);
  assert.deepEqual(weights('none', 'balanced'), [8 / 12, 2, 3]);
  assert.deepEqual(weights('smote', 'none'), [1, 1, 3]);
  assert.deepEqual(weights('smote', 'balanced'), [1, 1, 3]);
});
