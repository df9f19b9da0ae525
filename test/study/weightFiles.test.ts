/** Files of published weights: what is read or fetched is the file that was meant, or nothing. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DataError } from '../../src/errors.js';
import { encodeSafetensors } from '../../src/models/index.js';
import { fetchWeightFile, readWeightFile } from '../../src/study/weightFiles.js';
import { Interrupted } from '../../src/train/index.js';
import { scratchFolder } from './tinyStudy.js';

const folder = scratchFolder('weights');
const bytes = encodeSafetensors({ w: { shape: [3], data: Float32Array.of(1, 2, 3) } });
const sha256 = createHash('sha256').update(bytes).digest('hex');
const zip = Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0, 0, 0);
const zipSha256 = createHash('sha256').update(zip).digest('hex');
const listener = { message() {} };

const requests: IncomingMessage[] = [];
const server = createServer((request, response) => {
  requests.push(request);
  if (request.url === '/whole') response.end(bytes);
  else if (request.url === '/moved') response.writeHead(302, { location: '/whole' }).end();
  else if (request.url === '/zip') response.end(zip);
  else if (request.url === '/short') {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 20), () => response.destroy());
  } else if (request.url === '/cut') response.end(bytes.subarray(0, 20));
  else if (request.url !== '/slow') response.writeHead(404).end();
});
let address = '';
before(async () => {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const fails = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof DataError && error.code === code && message.test(error.message);

test('a file is fetched once, with nothing but a plain GET, and kept by its checksum', async () => {
  const cache = join(folder, 'once');
  const before = requests.length;
  const first = await fetchWeightFile(`${address}/whole`, sha256, cache, { listener });
  assert.deepEqual([Buffer.from(first.bytes).equals(bytes), first.sha256], [true, sha256]);
  assert.deepEqual(readdirSync(cache), [`${sha256}.safetensors`]);
  const second = await fetchWeightFile(`${address}/whole`, sha256, cache, { listener });
  assert.ok(Buffer.from(second.bytes).equals(bytes));
  assert.equal(requests.length - before, 1);
  const { method, headers } = requests[before];
  assert.equal(method, 'GET');
  for (const name of ['cookie', 'authorization', 'referer', 'content-length']) assert.ok(!(name in headers));
});

test('a redirection is followed', async () => {
  const got = await fetchWeightFile(`${address}/moved`, sha256, join(folder, 'moved'), { listener });
  assert.ok(Buffer.from(got.bytes).equals(bytes));
});

test('a damaged file in the cache is fetched again', async () => {
  const cache = join(folder, 'damaged');
  mkdirSync(cache);
  writeFileSync(join(cache, `${sha256}.safetensors`), bytes.subarray(0, 30));
  const got = await fetchWeightFile(`${address}/whole`, sha256, cache, { listener });
  assert.ok(Buffer.from(got.bytes).equals(bytes));
});

for (const [path, expected, code, message] of [
  ['/absent', sha256, 'download-failed', /got status 404/],
  ['/short', sha256, 'download-failed', /deliver the file whole/],
  ['/cut', sha256, 'checksum', new RegExp(`must have the SHA-256 ${sha256}, got [0-9a-f]{64};`)],
  ['/whole', zipSha256, 'checksum', new RegExp(`got ${sha256}`)],
  ['/zip', zipSha256, 'pickled-weights', /save_file\(torch\.load/],
] as const) {
  test(`${path} ends with ${code} and leaves nothing behind`, async () => {
    const cache = join(folder, `cache-${code}${path.slice(1)}`);
    const fetching = fetchWeightFile(`${address}${path}`, expected, cache, { listener });
    await assert.rejects(fetching, fails(code, message));
    assert.ok(!existsSync(cache));
  });
}

test('no server: the cause is named', async () => {
  const fetching = fetchWeightFile('http://127.0.0.1:1/x', sha256, join(folder, 'none'), { listener });
  await assert.rejects(fetching, fails('download-failed', /ECONNREFUSED|bad port/));
});

test('a download can be interrupted', async () => {
  const controller = new AbortController();
  const cache = join(folder, 'slow');
  const { signal } = controller;
  const fetching = fetchWeightFile(`${address}/slow`, sha256, cache, { listener, signal });
  setTimeout(() => controller.abort(), 20);
  await assert.rejects(fetching, (error) => error instanceof Interrupted);
  assert.ok(!existsSync(cache));
});

test('a file on the disk: its checksum is verified when given', async () => {
  const path = join(folder, 'w.safetensors');
  writeFileSync(path, bytes);
  assert.equal((await readWeightFile(path, undefined)).sha256, sha256);
  assert.equal((await readWeightFile(path, sha256)).sha256, sha256);
  await assert.rejects(readWeightFile(path, zipSha256), fails('checksum', /w\.safetensors/));
  await assert.rejects(readWeightFile(join(folder, 'no'), undefined), fails('missing-weights', /ENOENT/));
});

test('PyTorch’s own formats are refused with the way to convert them', async () => {
  const path = join(folder, 'w.pth');
  for (const content of [zip, Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20)]) {
    writeFileSync(path, content);
    await assert.rejects(readWeightFile(path, undefined), fails('pickled-weights', /safetensors\.torch/));
  }
});

test('a header whose length looks like the beginning of a pickle is no pickle', async () => {
  const padded = encodeSafetensors({}, { note: 'x'.repeat(640) });
  const length = Buffer.from(padded).readUInt32LE(0);
  const exact = encodeSafetensors({}, { note: 'x'.repeat(640 - (length - 640)) });
  assert.deepEqual([...exact.subarray(0, 2)], [0x80, 2]);
  const path = join(folder, 'like.safetensors');
  writeFileSync(path, exact);
  assert.equal((await readWeightFile(path, undefined)).bytes.length, exact.length);
});
