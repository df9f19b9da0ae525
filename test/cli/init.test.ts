import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { parseStudy } from '../../src/study/index.js';
import { run, scratchFolder } from '../study/tinyStudy.js';

const folder = scratchFolder('cli-init');
const rows = Array.from({ length: 40 }, (_, i) => `${20 + (i % 17)},${i % 3 === 0 ? 1 : 0}`);
const table = join(folder, 'Ward 7 (2026).csv');
await writeFile(table, `age,relapse\n${rows.join('\n')}\n`);

test('init names the file it wrote on stdout and what to decide on stderr', async () => {
  const out = join(folder, 'new', 'study.yaml');
  const first = await run('init', table, '--out', out);
  assert.deepEqual([first.code, resolve(first.out.trim())], [0, out]);
  assert.match(first.err, /^check: labels are "relapse" /);
  assert.equal(parseStudy(await readFile(out, 'utf8'), out).data.table, '../Ward 7 (2026).csv');
  const again = await run('init', table, '--out', out);
  assert.deepEqual([again.code, again.out], [2, '']);
  assert.match(again.err, /^error: --out must name a new file, got .*study\.yaml, which exists/);
});

test('init writes <table>.yaml where it is called, and nothing with --out -', async () => {
  const program = resolve('dist/src/cli/main.js');
  const options = { encoding: 'utf8', cwd: folder } as const;
  const { status, stdout } = spawnSync(process.execPath, [program, 'init', relative(folder, table)], options);
  assert.deepEqual([status, stdout], [0, 'Ward-7-2026.yaml\n']);
  assert.ok(existsSync(join(folder, 'Ward-7-2026.yaml')));
  const before = readdirSync(folder);
  const { code, out } = await run('init', table, '--out', '-');
  assert.equal(code, 0);
  assert.deepEqual(parseStudy(out, 'study.yaml').labels.columns, ['relapse']);
  assert.deepEqual(readdirSync(folder), before);
});

test('init ends with one message where there is nothing to propose', async () => {
  const out = join(folder, 'none.yaml');
  const numbers = join(folder, 'numbers.csv');
  await writeFile(numbers, 'a,b\n1.5,2\n2.5,7\n');
  for (const [args, message] of [
    [[join(folder, 'absent.csv')], /the table must be a readable file, got ENOENT/],
    [[numbers], /a study needs a column to predict/],
    [[table, '--images', join(folder, 'absent')], /--images must be a folder that can be read, got ENOENT/],
    [[table, '--images', folder], /--images must hold files that a column of the table names/],
  ] as const) {
    const { code, out: printed, err } = await run('init', ...args, '--out', out);
    assert.deepEqual([code, printed], [2, ''], err);
    assert.match(err, message);
  }
  assert.ok(!existsSync(out));
});
