import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/** Each folder imports only from folders before it (and from itself). */
const order = [
  'errors.ts',
  'random',
  'graph',
  'runtime',
  'metrics',
  'nn',
  'models',
  'data',
  'risk',
  'train',
  'explain',
  'report',
  'study',
  'serve',
  'cli',
  'index.ts',
];

/** Folders that run in a browser as they are; file names listed here are their Node-only entries. */
const browserSafe: Record<string, readonly string[]> = {
  'errors.ts': [],
  random: [],
  graph: [],
  // Imported when a device is opened in Node, and only there.
  runtime: ['runtime/node.ts', 'runtime/programCache.ts'],
  metrics: [],
  nn: [],
  models: [],
};

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);
const room = (path: string) => normalize(path).split(/[\\/]/)[0];
const importsOf = (file: string) =>
  [
    ...readFileSync(join('src', file), 'utf8').matchAll(
      /^\s*(?:import|export)[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)/gm,
    ),
  ].map((match) => match[1] ?? match[2]);

test('imports between folders point one way', () => {
  for (const file of files) {
    assert.ok(order.includes(room(file)), `src/${file}: its folder is not in the import order`);
    for (const target of importsOf(file).filter((name) => name.startsWith('.'))) {
      const from = room(file);
      const to = room(join(dirname(file), target.replace(/\.js$/, '.ts')));
      assert.ok(
        order.indexOf(to) <= order.indexOf(from),
        `src/${file} imports ${target}: ${to} comes after ${from}`,
      );
    }
  }
});

test('browser-safe folders import no Node module', () => {
  for (const file of files) {
    const exceptions = browserSafe[room(file)];
    if (exceptions === undefined || exceptions.includes(file)) continue;
    for (const target of importsOf(file))
      assert.ok(!target.startsWith('node:'), `src/${file} imports ${target}`);
  }
});
