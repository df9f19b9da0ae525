/** The protocol between a measurement and the processes that it times. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../../src/errors.js';
import { ContenderRefused, openContender, openWorker, quartiles } from '../../../src/train/index.js';

/** A contender written in a few lines, run by node. */
const program = (source: string) => ({ file: process.execPath, args: ['-e', source] });

const echo = `
  const lines = require('node:readline').createInterface({ input: process.stdin });
  let settings = null;
  lines.on('line', (line) => {
    if (settings === null) {
      settings = JSON.parse(line);
      console.log(JSON.stringify({ twice: 2 * settings.value, threads: process.env.OMP_NUM_THREADS }));
    } else console.log(JSON.stringify({ seconds: Array(Number(line)).fill(settings.value), megabytes: 7 }));
  });`;

test('a contender describes itself and answers counts in their order', async () => {
  const contender = await openContender<{ twice: number; threads: string }>(
    { ...program(echo), env: { OMP_NUM_THREADS: '3' } },
    { value: 0.5 },
  );
  assert.deepEqual(contender.description, { twice: 1, threads: '3' });
  assert.deepEqual(await contender.repeat(2), [0.5, 0.5]);
  assert.deepEqual(await contender.repeat(1), [0.5]);
  assert.equal(contender.peakMegabytes(), 7);
  await contender.close();
});

test('one that refuses, is not installed or ends early is told apart', async () => {
  const refuses = program(`console.log(JSON.stringify({ refused: 'no torch here' }))`);
  await assert.rejects(
    openContender(refuses, {}),
    (error) => error instanceof ContenderRefused && error.message === 'no torch here',
  );
  await assert.rejects(
    openContender({ file: 'no-such-interpreter', args: [] }, {}),
    (error) => error instanceof ContenderRefused && /no-such-interpreter/.test(error.message),
  );
  await assert.rejects(
    openContender(program('process.exit(4)'), {}),
    /^Error: internal: .* ended with code 4$/,
  );
});

test('our own process refuses in the words of the error, as bad input', async () => {
  await assert.rejects(
    openWorker({
      task: 'inference',
      model: 'densenet-small',
      side: 32,
      batch: 1,
      classes: 2,
      device: 'abacus',
    }),
    (error) => error instanceof ConfigError && /^device: "abacus" /.test(error.message),
  );
});

test('quartiles interpolate between order statistics', () => {
  assert.deepEqual(quartiles([4, 1, 3, 2]), { q1: 1.75, median: 2.5, q3: 3.25 });
  assert.deepEqual(quartiles([5]), { q1: 5, median: 5, q3: 5 });
});
