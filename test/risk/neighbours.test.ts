import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { randomStream } from '../../src/random/index.js';
import { neighbourSearch } from '../../src/risk/neighbours.js';

/** Every other point by distance, then by number. */
function literal(points: readonly number[][], point: number, most: number): number[] {
  return points
    .map((other, i) => ({ i, d: other.reduce((sum, x, d) => sum + (points[point][d] - x) ** 2, 0) }))
    .filter(({ i }) => i !== point)
    .sort((a, b) => a.d - b.d || a.i - b.i)
    .slice(0, most)
    .map(({ i }) => i);
}

function assertNeighbours(points: readonly number[][], most: number): void {
  const dimensions = points[0]?.length ?? 0;
  const search = neighbourSearch(Float64Array.from(points.flat()), dimensions, points.length, most);
  for (const point of points.keys())
    assert.deepEqual([...search(point)], literal(points, point, most), `point ${point}`);
}

test('the neighbours are those of comparing all pairs, equal distances by number', () => {
  // Few whole coordinates, so that many points are equal and most distances tied.
  const coordinate = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -300, max: 300 }));
  const cloud = fc.integer({ min: 0, max: 5 }).chain((dimensions) =>
    fc.array(fc.array(coordinate, { minLength: dimensions, maxLength: dimensions }), {
      minLength: 1,
      maxLength: 120,
    }),
  );
  fc.assert(
    fc.property(cloud, fc.integer({ min: 1, max: 7 }), (points, most) => assertNeighbours(points, most)),
    { seed: 4, numRuns: 300 },
  );
});

test('points with fractions, far from the origin, or with two-valued coordinates are no exception', () => {
  const random = randomStream(5, 'points');
  for (const offset of [0, 1e6, -1e12]) {
    const points = Array.from({ length: 400 }, () => [
      offset + random.normal(),
      offset + random.uniform() * 1e-3,
      random.integer(2) * 0.7,
      random.integer(2) * 0.7,
    ]);
    assertNeighbours(points, 5);
  }
});

test('a hundred thousand equal points, and as many on a line, take no time that grows with their square', () => {
  const count = 100_000;
  const equal = neighbourSearch(new Float64Array(count * 2), 2, count, 5);
  const line = neighbourSearch(
    Float64Array.from({ length: count }, (_, i) => i),
    1,
    count,
    5,
  );
  const started = performance.now();
  for (let point = 0; point < count; point++) {
    assert.equal(equal(point)[0], point === 0 ? 1 : 0);
    assert.equal(line(point)[0], point === 0 ? 1 : point - 1);
  }
  // Ten thousand million comparisons would take minutes.
  assert.ok(performance.now() - started < 10_000);
});
