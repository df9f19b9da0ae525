import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as g from '../../src/graph/index.js';
import { imageClassifiers } from '../../src/models/index.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { randomStream } from '../../src/random/index.js';
import { ParameterStore, Runtime } from '../../src/runtime/index.js';
import { keepProgram, programKey, readProgram } from '../../src/runtime/programCache.js';

const scratch = mkdtempSync(join(tmpdir(), 'medfusion-programs-'));
after(() => rmSync(scratch, { recursive: true }));
const folderFor = (purpose: string) => join(scratch, purpose);

const shape = [2, 3, 32, 32];

/** A step of gradient descent of the small DenseNet: most kinds of kernels, blocked convolutions, random numbers. */
function trainingProgram(options: g.CompileOptions) {
  const list = new ParameterList();
  const logits = imageClassifiers['densenet-small'].logits(new Scope(list, true), g.input('x', shape), 3);
  const kept = g.cast(g.bernoulli(logits.shape, 0.9), 'float32');
  const loss = g.mean(g.softplus(g.mul(logits, kept)));
  const weights = list.trainable().map(([, { tensor }]) => tensor);
  const derivatives = g.gradients(loss, weights);
  const updates = new Map(weights.map((w, i) => [w, g.sub(w, g.mul(derivatives[i], 0.1))] as const));
  return { list, program: g.compile({ loss }, { ...options, updates }) };
}

/** Loads the program in a runtime of its own and trains two steps: all bits of losses and weights. */
async function train(cache?: string): Promise<{ bits: string; fromCache: boolean }> {
  const runtime = await Runtime.open({ threads: 2, cache });
  const { list, program } = trainingProgram(runtime.emitOptions);
  const store = new ParameterStore();
  for (const { name, shape, values } of list.initialValues(1)) store.set(name, values, shape);
  const executable = await runtime.load(program, store);
  const hash = createHash('sha256');
  const x = new Float32Array(g.size(shape));
  randomStream(1, 'images').fillNormal(x, 1);
  for (let step = 0; step < 2; step++) {
    const { loss } = await executable.run({ x }, { seed: 1, step });
    assert.ok(Number.isFinite(loss[0]));
    hash.update(loss);
  }
  for (const name of store.names()) hash.update(store.get(name).values);
  const { fromCache } = executable;
  await executable.release();
  return { bits: hash.digest('hex'), fromCache };
}

test('a program trains to the same bits without a cache, when it is put there, and when it is taken from there', async () => {
  const { bits, fromCache } = await train();
  assert.equal(fromCache, false);
  const folder = folderFor('same bits');
  assert.deepEqual(await train(folder), { bits, fromCache: false });
  assert.deepEqual(await train(folder), { bits, fromCache: true });
  assert.match(readdirSync(folder).join(), /^[0-9a-f]{64}\.program$/, 'one file, nothing half-written');
});

test('a file that is damaged, another program, or refused by the runtime is made anew', async () => {
  const folder = folderFor('damaged');
  const { bits } = await train(folder);
  const [name] = readdirSync(folder);
  const [key] = name.split('.');
  const path = join(folder, name);
  const good = readFileSync(path);
  const flipped = Uint8Array.from(good);
  flipped[good.length >> 1] ^= 1;
  const other = programKey(new Uint8Array(1), {});
  await keepProgram(folderFor('other'), other, async (to) => writeFileSync(to, 'another program'));
  const foreign = readFileSync(join(folderFor('other'), `${other}.program`));
  // Whole by its checksum, but nothing that ONNX Runtime takes.
  await keepProgram(folderFor('refused'), key, async (to) => writeFileSync(to, 'not a program'));
  const refused = readFileSync(join(folderFor('refused'), name));
  const faults = {
    empty: new Uint8Array(),
    truncated: good.subarray(0, 5000),
    flipped,
    foreign,
    refused,
    'without its head': good.subarray(51),
  };
  for (const [fault, bytes] of Object.entries(faults)) {
    writeFileSync(path, bytes);
    assert.deepEqual(await train(folder), { bits, fromCache: false }, fault);
    assert.ok((await readProgram(folder, key)) !== null, `${fault}: the file is whole again`);
  }
  assert.deepEqual(await train(folder), { bits, fromCache: true });
});

test('small programs, and those that store weights, are not kept', async () => {
  const folder = folderFor('not kept');
  const runtime = await Runtime.open({ threads: 1, cache: folder });
  await (await runtime.load(g.compile({ y: g.neg(g.input('x', [2])) }))).release();
  let y = g.input('x', [2]);
  const w = g.parameter('w', [2]);
  for (let i = 0; i < 600; i++) y = g.mul(g.tanh(y), w);
  const stored = g.compile({ y }, { embed: () => Float32Array.of(1, 2) });
  assert.ok(stored.nodeCount >= 1000 && stored.embeds);
  await (await runtime.load(stored)).release();
  assert.equal(existsSync(folder), false);
  const store = new ParameterStore();
  store.set('w', Float32Array.of(1, 2), [2]);
  await (await runtime.load(g.compile({ y }), store)).release();
  assert.equal(readdirSync(folder).length, 1);
});

test('a folder that cannot be written to is bad input', async () => {
  const folder = folderFor('a file');
  writeFileSync(folder, '');
  await assert.rejects(train(folder), {
    name: 'ConfigError',
    path: 'cache',
    message: /^program cache: its folder must be writable .* got E(EXIST|NOTDIR)/,
  });
});

test('what has not been used for longest goes when the cache is full, and so do stale parts', async () => {
  const folder = folderFor('full');
  const keep = (name: string, limit: number) =>
    keepProgram(folder, name, async (path) => writeFileSync(path, new Uint8Array(1000)), limit);
  const names = () => readdirSync(folder).sort().join();
  for (const [age, name] of ['a', 'b', 'c'].entries()) {
    await keep(name, 10_000);
    utimesSync(join(folder, `${name}.program`), 0, 1000 + age);
  }
  writeFileSync(join(folder, '.x.1.0.part'), '');
  writeFileSync(join(folder, '.y.1.0.part'), '');
  utimesSync(join(folder, '.x.1.0.part'), 0, 1000);
  writeFileSync(join(folder, 'notes.txt'), 'not ours');
  assert.equal((await readProgram(folder, 'a'))?.length, 1000);
  await keep('d', 3500);
  assert.equal(names(), '.y.1.0.part,a.program,c.program,d.program,notes.txt');
  await keep('e', 100);
  assert.equal(names(), '.y.1.0.part,notes.txt');
});

test('nothing is left of a write that fails', async () => {
  const folder = folderFor('failed');
  const failing = keepProgram(folder, 'a', async (path) => {
    writeFileSync(path, 'half');
    throw new Error('out of memory');
  });
  await assert.rejects(failing, /out of memory/);
  assert.deepEqual(readdirSync(folder), []);
  assert.equal(await readProgram(folder, 'a'), null);
});

test('a key follows from the program and from every fact', () => {
  const program = Uint8Array.of(1, 2);
  const keys = [
    programKey(program, { version: '1', block: 16 }),
    programKey(program, { version: '2', block: 16 }),
    programKey(program, { version: '1', block: 8 }),
    programKey(Uint8Array.of(1, 3), { version: '1', block: 16 }),
  ];
  assert.equal(new Set(keys).size, 4);
  assert.equal(programKey(Uint8Array.of(1, 2), { version: '1', block: 16 }), keys[0]);
});
