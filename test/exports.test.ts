import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Manifest {
  readonly exports: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const sourceOf = (compiled: string) => compiled.replace('./dist/', '').replace(/\.js$/, '.ts');

/** Folders that are no library: the command line. `random` is part of the root. */
const unexported = ['cli', 'random'];
const folders = readdirSync('src', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !unexported.includes(entry.name))
  .map((entry) => entry.name);

test('every folder has a subpath of its own and a namespace in the root', async () => {
  const root = (await import('medfusion' as string)) as Record<string, unknown>;
  assert.deepEqual(Object.keys(manifest.exports).sort(), ['.', ...folders.map((name) => `./${name}`)].sort());
  for (const name of folders) {
    const part = (await import(`medfusion/${name}`)) as Record<string, unknown>;
    assert.ok(Object.keys(part).length > 0, `medfusion/${name} exports nothing`);
    assert.strictEqual(root[name], part, `the root's "${name}" is not medfusion/${name}`);
  }
});

test('errors and random streams are exported by the root', async () => {
  const root = (await import('medfusion' as string)) as Record<string, unknown>;
  const own = Object.keys(root).filter((name) => !folders.includes(name));
  assert.deepEqual(own.sort(), [
    'ConfigError',
    'DataError',
    'NotFittedError',
    'ShapeError',
    'isUserError',
    'randomStream',
  ]);
});

test('every export and program is compiled from a source file whose header says what it is', () => {
  for (const [subpath, compiled] of Object.entries(manifest.exports)) {
    const source = readFileSync(sourceOf(compiled), 'utf8');
    assert.match(
      source,
      /^\/\*\*[\s\S]{10,}?\*\//,
      `${subpath}: ${sourceOf(compiled)} starts with no description`,
    );
  }
  for (const compiled of Object.values(manifest.bin)) {
    assert.ok(existsSync(compiled), `${compiled} is missing; run npm run build`);
    // With it the runtime has the state that earlier runs left behind collected.
    const head = '#!/usr/bin/env -S node --expose-gc\n';
    assert.ok(readFileSync(compiled, 'utf8').startsWith(head), `${compiled} must start with ${head}`);
  }
});
