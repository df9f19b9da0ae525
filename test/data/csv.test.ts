import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type CsvError, parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { CsvScanner } from '../../src/data/csv.js';
import { loadCohort, readTable } from '../../src/data/index.js';
import { textBlocks } from '../../src/data/text-blocks.js';
import { scratchFolder } from './scratch.js';

type Outcome = { records: { cells: string[]; line: number }[]; fault: number | null };

/** What the scanner makes of a text that comes in blocks. */
function scanned(blocks: readonly string[]): Outcome {
  const records: Outcome['records'] = [];
  const record = (cells: string[], line: number) => records.push({ cells, line });
  const scanner = new CsvScanner({ delimiter: ',', file: 'x', record });
  try {
    for (const block of blocks) scanner.scan(block);
    scanner.end();
    return { records, fault: null };
  } catch (error) {
    return { records, fault: (error as { location: { row: number } }).location.row };
  }
}

/** The same by csv-parse, which does not say where a row starts that opens a quote for good. */
function peer(text: string): Outcome {
  const records: Outcome['records'] = [];
  let end = 0;
  try {
    parse(text, {
      record_delimiter: '\n',
      skip_empty_lines: true,
      relax_column_count: true,
      on_record: (cells: string[], { lines }) => {
        end = lines;
        const line = lines - (cells.join('').match(/\n/g)?.length ?? 0);
        records.push({ cells: cells.map((cell) => cell.trim()), line });
        return null;
      },
    });
    return { records, fault: null };
  } catch (cause) {
    const { code, lines } = cause as CsvError & { lines: number };
    if (code !== 'CSV_QUOTE_NOT_CLOSED') return { records, fault: lines };
    let line = end + 1;
    while (text.split('\n')[line - 1] === '') line++;
    return { records, fault: line };
  }
}

test('any text, cut anywhere between lines, reads as csv-parse reads it, faults and their lines included', () => {
  const piece = fc.constantFrom('a', ',', '"', '\n', '"a', 'b"', '""', ' ', 'é', '","', '"\n');
  const cut = fc.array(fc.boolean(), { minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), cut, (pieces, cuts) => {
      const text = `${pieces.join('')}\n`;
      const lines = text.match(/[^\n]*\n/g)!;
      const blocks = [''];
      lines.forEach((line, i) => {
        blocks[blocks.length - 1] += line;
        if (cuts[i % cuts.length]) blocks.push('');
      });
      assert.deepEqual(scanned(blocks), peer(text));
    }),
    { numRuns: 3000 },
  );
});

test('cells that nobody wants read as nothing and still count', () => {
  const seen: string[][] = [];
  const scanner = new CsvScanner({ delimiter: ';', file: 'x', record: (cells) => seen.push(cells) });
  scanner.want([1]);
  scanner.scan('a;b;"c\nd"\n"e";"f";g;h\ni\n');
  assert.deepEqual(seen, [['', 'b', ''], ['', 'f', '', ''], ['']]);
});

test('a quote that is never closed does not gather a whole file', () => {
  const scanner = new CsvScanner({ delimiter: ',', file: 'x', record: () => undefined });
  const line = `${'x'.repeat(2 ** 24 - 1)}\n`;
  scanner.scan('a\n\n"b\n');
  scanner.scan(line);
  assert.throws(() => {
    for (let i = 0; i < 4; i++) scanner.scan(line);
  }, /characters without one; .*line 3/);
});

test('a text comes whole, whatever its line ends and wherever it is cut', async (t) => {
  const folder = scratchFolder(t);
  // Lines of uneven length with characters of two to four bytes, longer together than three pieces of a file.
  const lines = Array.from({ length: 60_000 }, (_, i) => `${i},é€😀${'·'.repeat(i % 50)}`);
  for (const [ending, last] of [
    ['\n', '\n'],
    ['\r\n', ''],
    ['\r', '\r'],
  ]) {
    const bytes = Buffer.from(`\ufeff${lines.join(ending)}${last}`);
    assert.ok(bytes.length > 3 * 2 ** 20);
    for (const [name, content] of [
      ['t.csv', bytes],
      ['t.csv.gz', gzipSync(bytes, { level: 1 })],
    ] as const) {
      await writeFile(join(folder, name), content);
      let text = '';
      for await (const block of textBlocks(join(folder, name))) {
        assert.ok(block.endsWith('\n'));
        text += block;
      }
      assert.ok(text === `${lines.join('\n')}\n`, `${name} with ${JSON.stringify(ending)}`);
    }
  }
});

test('a line longer than a piece of the file is read, also within quotes', async (t) => {
  const long = 'word '.repeat(500_000);
  const folder = scratchFolder(t, { 't.csv': `a,b\n1,"${long}\n""${long}"\n2,${long}\n` });
  const { rows, lines } = await readTable(join(folder, 't.csv'));
  assert.deepEqual([...lines], [2, 4]);
  assert.ok(rows[0][1] === `${long}\n"${long.trim()}` && rows[1][1] === long.trim());
});

test('a damaged byte is found in any block', async (t) => {
  const text = Buffer.from(`a,b\n${'1,2\n'.repeat(600_000)}`);
  text[text.length - 3] = 0xff;
  const folder = scratchFolder(t, { 't.csv': text });
  await assert.rejects(readTable(join(folder, 't.csv')), /UTF-8/);
});

test('what a study does not use of a table is not kept in memory', async (t) => {
  const folder = scratchFolder(t);
  const table = join(folder, 't.csv');
  const rows = 30_000;
  const line = (i: number) =>
    `examination-number-${i},${i}.5,recorded as ${i % 2 ? 'female' : 'male'},${'x'.repeat(1500)},${i % 2}\n`;
  const text = Array.from({ length: 30 }, (_, part) =>
    Array.from({ length: rows / 30 }, (__, i) => line((part * rows) / 30 + i)).join(''),
  );
  await writeFile(table, ['id,value,sex,comment,y\n', ...text]);
  const spec = { table, id: 'id', numeric: ['value'], categorical: ['sex'], labels: { columns: ['y'] } };
  const program = `import { loadCohort } from './dist/src/data/index.js';
    const memory = () => (gc(), process.memoryUsage().heapUsed + process.memoryUsage().external);
    const before = memory();
    const cohort = await loadCohort(${JSON.stringify({ ...spec, dropDuplicateRows: true })});
    const kept = memory() - before;
    console.log(JSON.stringify({ size: cohort.size, last: cohort.numeric[0].values.at(-1), kept }));`;
  // The heap alone would not do: the text of large blocks lies outside it.
  const flags = ['--expose-gc', '--max-old-space-size=40', '--input-type=module', '-e', program];
  const { stdout } = spawnSync(process.execPath, flags, { encoding: 'utf8' });
  const { size, last, kept } = JSON.parse(stdout);
  assert.deepEqual([size, last], [rows, rows - 0.5]);
  assert.ok(kept < 10e6, `${kept} bytes are kept of a table of 46 MB`);
});

test('many rows are kept in order, numbers, texts and labels alike', async (t) => {
  const rows = Array.from({ length: 5000 }, (_, i) => i);
  const cells = rows.map(
    (i) => `p${i % 700},${i / 8},w${i % 3},a note that is longer than a few words ${i},${i % 2}`,
  );
  const folder = scratchFolder(t, { 't.csv': `p,n,c,t,y\n${cells.join('\n')}` });
  const cohort = await loadCohort({
    table: join(folder, 't.csv'),
    patient: 'p',
    numeric: ['n'],
    categorical: ['c'],
    text: ['t'],
    labels: { columns: ['y'] },
  });
  assert.deepEqual(
    [...cohort.numeric[0].values],
    rows.map((i) => i / 8),
  );
  assert.deepEqual(
    cohort.categorical[0].values,
    rows.map((i) => `w${i % 3}`),
  );
  assert.deepEqual(
    cohort.text[0].values,
    rows.map((i) => `a note that is longer than a few words ${i}`),
  );
  assert.deepEqual(
    [...cohort.targets],
    rows.map((i) => i % 2),
  );
  assert.deepEqual(
    [...cohort.patientIndex],
    rows.map((i) => i % 700),
  );
  assert.deepEqual(
    [...cohort.lines],
    rows.map((i) => i + 2),
  );
});
