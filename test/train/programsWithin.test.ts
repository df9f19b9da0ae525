import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, input, mul, parameter } from '../../src/graph/index.js';
import { programsWithin } from '../../src/train/trainingProgram.js';

function compiled(repeat: boolean) {
  const [x, w] = [input('x', [2]), parameter('w', [2])];
  const step = compile({ y: mul(x, w) }, { repeat, updates: new Map([[w, mul(x, w)]]) });
  return { accumulate: null, step };
}

test('several steps per run only where the runtime gains by it and has the memory', () => {
  const repeated = (repeats: boolean, fits: boolean) =>
    programsWithin({ repeats, fits: () => fits }, compiled).step.repeated;
  assert.equal(repeated(true, true), true);
  assert.equal(repeated(true, false), false);
  assert.equal(repeated(false, true), false);
});

test('the memory that is asked about is that of the program of several steps', () => {
  const asked: boolean[] = [];
  const fits = ({ memory }: { memory: { parameters: number } }) => {
    asked.push(memory.parameters > compiled(false).step.memory.parameters);
    return true;
  };
  programsWithin({ repeats: true, fits }, compiled);
  assert.deepEqual(asked, [true]);
});
