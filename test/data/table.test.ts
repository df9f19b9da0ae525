import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { editDistance, nearestName, readTable } from '../../src/data/index.js';
import { realData, scratchFolder } from './scratch.js';

const refuses = (path: string, code: string, message: RegExp) =>
  assert.rejects(readTable(path), (error: Error & { code?: string }) => {
    assert.equal(error.name, 'DataError');
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(error.message.includes(path), `${error.message} should name the file`);
    return true;
  });

test('readTable reads byte order marks, spaces, quoted lines, blank lines and any line ending', async (t) => {
  const text = '\ufeff a ,b,\r\n1,"x\r\ny ""z""",\r\n\r\n 2 ,,\n';
  const folder = scratchFolder(t, { 't.csv': text, 't.CSV.gz': gzipSync(text), 't.tsv': 'a\tb,c\n1\t2,3\n' });
  for (const name of ['t.csv', 't.CSV.gz']) {
    const table = await readTable(join(folder, name));
    assert.deepEqual(table.columns, ['a', 'b', '']);
    assert.deepEqual(table.rows, [
      ['1', 'x\ny "z"', ''],
      ['2', '', ''],
    ]);
    assert.deepEqual([...table.lines], [2, 5]);
  }
  assert.deepEqual((await readTable(join(folder, 't.tsv'))).rows, [['1', '2,3']]);
});

test('readTable refuses what it cannot read, naming file and line', async (t) => {
  const folder = scratchFolder(t, {
    'twice.csv': 'a,b, a\n1,2,3\n',
    'empty.csv': '\n',
    'header.csv': 'a,b\n\n',
    'open.csv': 'a,b\n1,2\n3,"4\n5,6\n',
    'quote.csv': 'a,b\n1,2\n3,x"4\n',
    'latin1.csv': Buffer.from('a,b\n1,M\xfcller\n', 'latin1'),
    'half.csv.gz': gzipSync('a,b\n1,2\n').subarray(0, 20),
  });
  const at = (name: string) => join(folder, name);
  await refuses(at('twice.csv'), 'duplicate-column', /got "a" twice; .*line 1, column "a"/);
  await refuses(at('empty.csv'), 'empty-table', /got 0 line/);
  await refuses(at('header.csv'), 'empty-table', /got 1 line/);
  await refuses(at('open.csv'), 'bad-csv', /line 3/);
  await refuses(at('quote.csv'), 'bad-csv', /line 3/);
  await refuses(at('latin1.csv'), 'bad-encoding', /UTF-8/);
  await refuses(at('half.csv.gz'), 'unreadable-table', /whole/);
  await refuses(at('absent.csv'), 'unreadable-table', /ENOENT/);
});

test('readTable sets rows of another length aside, with their lines', async (t) => {
  const folder = scratchFolder(t, { 't.csv': 'a,b\n1,2\n\n3\n"4\n",5,6\n7,8\n' });
  const table = await readTable(join(folder, 't.csv'));
  assert.deepEqual(table.ragged, [
    { line: 4, cells: 1 },
    { line: 5, cells: 3 },
  ]);
  assert.deepEqual([...table.lines], [2, 7]);
});

test('what is written as quoted CSV is read back, with the line each row starts on', async (t) => {
  const folder = scratchFolder(t, {});
  const { writeFile } = await import('node:fs/promises');
  const cell = fc.string({ maxLength: 6, unit: fc.constantFrom('a', ',', '"', '\n', '\t', 'é', ' ') });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }),
      fc.constantFrom('\n', '\r\n'),
      async (rows, ending) => {
        const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const path = join(folder, 't.csv');
        await writeFile(path, ['x,y', ...rows.map((row) => row.map(quote).join(','))].join(ending));
        const table = await readTable(path);
        assert.deepEqual(
          table.rows,
          rows.map((row) => row.map((text) => text.trim())),
        );
        let line = 2;
        rows.forEach((row, r) => {
          assert.equal(table.lines[r], line);
          line += 1 + (row.join('').match(/\n/g)?.length ?? 0);
        });
      },
    ),
    { numRuns: 100 },
  );
});

test('editDistance agrees with its recursive definition', () => {
  const slow = (a: string, b: string): number => {
    if (a === '' || b === '') return a.length + b.length;
    const [a1, b1] = [a.slice(0, -1), b.slice(0, -1)];
    const same = a.at(-1) === b.at(-1) ? 0 : 1;
    const swap = a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1) && a.length > 1 && b.length > 1;
    const swapped = swap ? slow(a.slice(0, -2), b.slice(0, -2)) + 1 : Number.POSITIVE_INFINITY;
    return Math.min(slow(a1, b) + 1, slow(a, b1) + 1, slow(a1, b1) + same, swapped);
  };
  const word = fc.string({ maxLength: 5, unit: fc.constantFrom('a', 'b', 'c') });
  fc.assert(fc.property(word, word, (a, b) => assert.equal(editDistance(a, b), slow(a, b))));
});

test('nearestName finds the likely meaning or says there is none', () => {
  const columns = ['Patient Age', 'Patient Sex', 'ID'];
  assert.equal(nearestName('patient aeg', columns), 'Patient Age');
  assert.equal(nearestName('biopsy', columns), null);
});

test('the published tables read whole', async (t) => {
  const tables = {
    'cervical/risk_factors_cervical_cancer.csv': [858, 36],
    'nih/Data_Entry_2017_v2020.csv.gz': [112120, 11],
    'odir/odir.csv': [5118, 15],
    'covid/metadata.csv': [751, 29],
  };
  for (const [name, [rows, columns]] of Object.entries(tables)) {
    const path = realData(t, name);
    if (path === null) return;
    const table = await readTable(path);
    assert.deepEqual(
      [table.rows.length, table.columns.length, table.ragged.length],
      [rows, columns, 0],
      name,
    );
  }
});
