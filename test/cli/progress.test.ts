import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressDisplay } from '../../src/cli/progress.js';

/** A stream that keeps what is written, and a clock that is set by hand (seconds). */
function screen(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  const clock = { seconds: 0 };
  const display = progressDisplay(
    { isTTY, columns, write: (text) => written.push(text) },
    { now: () => 1000 * clock.seconds },
  );
  return { display, written, clock };
}

const erase = '\r\x1b[K';

test('on a terminal one line is redrawn in place', () => {
  const { display, written, clock } = screen(true);
  display.epochStart({ epoch: 0, epochs: 2, batches: 4 });
  assert.equal(written.pop(), `${erase}epoch 1/2 [${'-'.repeat(30)}] 0/4  ETA --:--`);
  clock.seconds = 10;
  display.batch({ batch: 1, loss: Math.LN2 });
  assert.equal(
    written.pop(),
    `${erase}epoch 1/2 [${'#'.repeat(7)}${'-'.repeat(23)}] 1/4  loss 0.6931  ETA 1:10`,
  );
  clock.seconds = 40;
  display.epochEnd({ loss: 0.5, validationAuroc: 0.71249, improved: true });
  const ended = written.pop() ?? '';
  assert.ok(ended.startsWith(`${erase}epoch 1/2 [####`));
  assert.ok(ended.endsWith('4/4  loss 0.5000  AUROC 0.712  ETA 0:40'), ended);
  display.epochStart({ epoch: 1, epochs: 2, batches: 4 });
  assert.match(written.pop() ?? '', /epoch 2\/2 .* 0\/4 {2}AUROC 0\.712 {2}ETA 0:40$/);
  assert.deepEqual(written, []);
  display.close();
  display.close();
  assert.deepEqual(written, ['\n']);
});

test('redraws are rare, but the last batch is always shown', () => {
  const { display, written, clock } = screen(true);
  display.epochStart({ epoch: 0, epochs: 1, batches: 1000 });
  for (let batch = 1; batch <= 1000; batch++) {
    clock.seconds += 0.01;
    display.batch({ batch, loss: 1 });
  }
  assert.ok(written.length > 50 && written.length < 110, `${written.length} redraws in 10 s`);
  assert.match(written.at(-1) ?? '', / 1000\/1000 /);
});

test('a line never exceeds the width of the terminal', () => {
  for (const columns of [120, 70, 40, 12]) {
    const { display, written } = screen(true, columns);
    display.epochStart({ epoch: 99, epochs: 100, batches: 1000, part: 'fold 25/25' });
    display.epochEnd({ loss: 0.25, validationAuroc: null, improved: false });
    for (const line of written) assert.ok(line.length - erase.length < columns, `${columns}: ${line}`);
  }
});

test('a message stands on a line of its own and the bar goes on below it', () => {
  const { display, written } = screen(true);
  display.message('reading the table');
  display.epochStart({ epoch: 0, epochs: 1, batches: 2 });
  display.message('3 images are missing');
  assert.equal(written[0], 'reading the table\n');
  assert.equal(written[2], `${erase}3 images are missing\n`);
  assert.equal(written[3], written[1]);
});

test('elsewhere there are plain lines: one per epoch and one per interval', () => {
  const { display, written, clock } = screen(false);
  for (let epoch = 0; epoch < 2; epoch++) {
    display.epochStart({ epoch, epochs: 2, batches: 4, part: 'fold 1/5' });
    for (let batch = 1; batch <= 4; batch++) {
      clock.seconds += epoch === 0 ? 12 : 1;
      display.batch({ batch, loss: 1 / batch });
    }
    display.epochEnd({ loss: 0.25, validationAuroc: epoch === 0 ? 0.5 : null, improved: epoch === 0 });
  }
  display.message('stopped early');
  display.close();
  assert.deepEqual(written, [
    'fold 1/5, epoch 1/2: batch 3/4, loss 0.3333, ETA 1:00\n',
    'fold 1/5, epoch 1/2: loss 0.2500, validation AUROC 0.500 (best so far), 0:48, ETA 0:48\n',
    'fold 1/5, epoch 2/2: loss 0.2500, validation AUROC undefined, 0:04, ETA 0:00\n',
    'stopped early\n',
  ]);
  assert.ok(written.every((line) => !line.includes('\x1b') && !line.includes('\r')));
});

test('the estimate counts only what this run has done, and starts anew with each part', () => {
  const { display, written, clock } = screen(true);
  clock.seconds = 1000;
  display.epochStart({ epoch: 5, epochs: 10, batches: 10, batchesDone: 5, part: 'fold 1/2' });
  assert.match(written.pop() ?? '', /5\/10 {2}ETA --:--$/);
  clock.seconds = 1600;
  display.batch({ batch: 10, loss: 1 }); // half an epoch in 600 s, four to go
  assert.match(written.pop() ?? '', /ETA 1:20:00$/);
  display.epochStart({ epoch: 0, epochs: 10, batches: 10, part: 'fold 2/2' });
  assert.match(written.pop() ?? '', /^\S*\s*.*0\/10 {2}ETA --:--$/);
});
