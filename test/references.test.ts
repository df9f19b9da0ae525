/** Citations: `[key]`, `[key, locator]` or `[key; key]` with keys such as `youden1950` or `lin2017focal`. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const bibliography = readFileSync('docs/references.bib', 'utf8');
const entries = [...bibliography.matchAll(/^@([a-z]+)\{([^,\s]+),\n([\s\S]*?)\n\}$/gm)].map(
  ([, type, key, body]) => ({
    type,
    key,
    fields: new Map(
      [...body.matchAll(/^ {2}([a-zA-Z]+) = \{(.*)\},?$/gm)].map((field) => [field[1], field[2]]),
    ),
    body,
  }),
);
const keys = new Set(entries.map(({ key }) => key));

/** The keys that a text cites. */
function citations(text: string): string[] {
  const key = /^([a-z][a-z0-9]*(?:18|19|20)\d\d[a-z]*)(?:,.*)?$/;
  return [...text.matchAll(/\[([^[\]]+)\]/g)]
    .flatMap(([, inside]) => inside.split(';'))
    .flatMap((part) => part.trim().match(key)?.[1] ?? []);
}

const cited = new Map<string, string[]>();
for (const folder of ['src', 'docs', 'bench']) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => /\.(ts|md)$/.test(name))) {
    for (const key of citations(readFileSync(join(folder, file), 'utf8'))) {
      cited.set(key, [...(cited.get(key) ?? []), join(folder, file)]);
    }
  }
}

test('citations are found in every form', () => {
  assert.deepEqual(
    citations('see [youden1950], [lin2017focal, eq. 5] and [a2001b; c1999; paper eq. 3] but not [0, 1]'),
    ['youden1950', 'lin2017focal', 'a2001b', 'c1999'],
  );
});

test('every citation resolves in docs/references.bib', () => {
  const missing = [...cited].filter(([key]) => !keys.has(key));
  assert.deepEqual(missing, []);
});

test('every entry of docs/references.bib is cited', () => {
  assert.deepEqual(
    [...keys].filter((key) => !cited.has(key)),
    [],
  );
});

test('docs/references.bib is whole: nothing between entries, each key once, in alphabetical order', () => {
  assert.equal(entries.length, [...bibliography.matchAll(/^@/gm)].length, 'an entry is malformed');
  const order = entries.map(({ key }) => key);
  assert.deepEqual(order, [...new Set(order)].sort());
});

test('every entry names author, title and year, and its key bears the year', () => {
  for (const { key, fields, body } of entries) {
    assert.equal(fields.size, body.split('\n').length, `${key}: one field per line`);
    for (const field of ['author', 'title', 'year']) assert.ok(fields.get(field), `${key} has no ${field}`);
    assert.ok(key.includes(fields.get('year')!), `${key} bears another year than ${fields.get('year')}`);
    const depth = [...body].reduce((open, c) => open + (c === '{' ? 1 : c === '}' ? -1 : 0), 0);
    assert.equal(depth, 0, `${key}: unbalanced braces`);
  }
});
