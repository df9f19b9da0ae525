import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeThread } from '../../src/data/index.js';

/** A script that answers with its thread's number and the request, and breaks or sleeps where it is asked to. */
const script = (name: string) =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`// ${name}
      import { parentPort, threadId } from 'node:worker_threads';
      parentPort.on('message', (request) => {
        if (request === 'break') throw new Error('broken on request');
        if (request === 'sleep') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
        parentPort.postMessage([threadId, request]);
      });`)}`,
  );

type Reply = [thread: number, request: number];

test('a thread answers in order, and serves the next user after it was given back', async () => {
  const first = takeThread<number, Reply>(script('order'));
  const replies = await Promise.all([1, 2, 3].map((request) => first.ask(request)));
  assert.deepEqual(
    replies.map(([, request]) => request),
    [1, 2, 3],
  );
  const beside = takeThread<number, Reply>(script('order'));
  const [thread] = replies[0];
  assert.notEqual((await beside.ask(1))[0], thread, 'two users at a time have two threads');
  await first.close();
  await assert.rejects(first.ask(4), /after it was given back/);
  const second = takeThread<number, Reply>(script('order'));
  await first.close(); // A second time: nothing happens.
  assert.deepEqual(await second.ask(5), [thread, 5]);
  for (const user of [beside, second]) await user.close();
});

test('a thread that broke, or is given back at work, rejects what it had not done and serves nobody else', async () => {
  const broken = takeThread<number | string, Reply>(script('fault'));
  const [thread] = await broken.ask(1);
  const asked = [broken.ask('break'), broken.ask(2)].map((reply) =>
    assert.rejects(reply, /broken on request/),
  );
  await Promise.all(asked);
  await assert.rejects(broken.ask(3), /broken on request/);
  await broken.close();
  const next = takeThread<number | string, Reply>(script('fault'));
  const [other] = await next.ask(4);
  assert.notEqual(other, thread);
  const unfinished = assert.rejects(next.ask('sleep'), /ended before its work was done/);
  await next.close();
  await unfinished;
  const last = takeThread<number, Reply>(script('fault'));
  assert.notEqual((await last.ask(6))[0], other);
  await last.close();
});
