import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definedOps, type Tensor } from '../../src/graph/index.js';
import { arrangeCases } from './cases/arrange.js';
import { convCases, wideConvCases } from './cases/conv.js';
import { elementwiseCases } from './cases/elementwise.js';
import { normCases } from './cases/norm.js';
import { poolCases } from './cases/pool.js';
import { reduceCases } from './cases/reduce.js';
import { build, type Case, checkCases } from './check.js';
import { reference } from './reference.js';

const families: Readonly<Record<string, readonly Case[]>> = {
  elementwise: elementwiseCases,
  arrange: arrangeCases,
  reduce: reduceCases,
  conv: convCases,
  pool: poolCases,
  norm: normCases,
};

test('every op has a literal implementation and at least two cases', () => {
  const counts = new Map([...definedOps.keys()].map((name) => [name, 0]));
  for (const item of Object.values(families).flat()) {
    const names = new Set<string>();
    const visit = ({ source }: Tensor) => {
      if (source === null) return;
      names.add(source.node.op.name);
      source.node.inputs.forEach(visit);
    };
    build(item).outputs.forEach(visit);
    for (const name of names) counts.set(name, counts.get(name)! + 1);
  }
  assert.deepEqual(Object.keys(reference).sort(), [...definedOps.keys()].sort());
  for (const [name, count] of counts) assert.ok(count >= 2, `op ${name} has ${count} cases`);
});

test('case names are unique', () => {
  const names = Object.values(families).flatMap((cases) => cases.map(({ name }) => name));
  assert.equal(new Set(names).size, names.length);
});

for (const [family, cases] of Object.entries(families)) checkCases(family, cases);
checkCases('plain convolution of many channels', wideConvCases);
checkCases('blocked convolution where the machine has it', wideConvCases, true);
