import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatDemonstration } from '../../src/cli/demo.js';
import { runDemo } from '../../src/study/index.js';
import { run, scratchFolder } from '../study/tinyStudy.js';

const folder = scratchFolder('demo');
const silent = { epochStart() {}, batch() {}, epochEnd() {}, message() {} };

test('the demonstration generates, trains and sets its AUROC beside what each modality allows', async () => {
  const out = join(folder, 'first');
  const told: string[] = [];
  const result = await runDemo(
    { out, patients: 60, epochs: 1, imageSize: 32, threads: 1, listener: silent },
    (study, runFolder) => told.push(study, runFolder),
  );
  assert.deepEqual(told, [join(out, 'data', 'study.yaml'), join(out, 'run')]);
  assert.equal(result.run, told[1]);
  const text = formatDemonstration(result);
  const truth = JSON.parse(readFileSync(join(out, 'data', 'truth.json'), 'utf8'));
  for (const [name, part] of [
    ['the picture alone', 'image'],
    ['the table alone', 'tabular'],
    ['the note alone', 'text'],
    ['all three', 'all'],
  ]) {
    const best = new RegExp(`best from ${name} +(\\.\\d+)`).exec(text);
    assert.ok(best, text);
    assert.ok(Math.abs(Number(best[1]) - truth.macro[part]) <= 5e-4);
  }
  const { macro } = JSON.parse(readFileSync(join(result.run, 'metrics.json'), 'utf8')).test;
  const reached = /reached from all three +(\.\d+)/.exec(text)!;
  assert.ok(Math.abs(Number(reached[1]) - macro.auroc.value) <= 5e-4);
  const report = /report +(.*)/.exec(text)!;
  assert.ok(existsSync(report[1]), 'the report is where the text says');
});

test('the demonstration never writes over what is there', async () => {
  const out = join(folder, 'occupied');
  mkdirSync(out);
  writeFileSync(join(out, 'notes.txt'), 'mine');
  const { code, err } = await run('demo', '--out', out);
  assert.equal(code, 2);
  assert.match(err, /must be new or empty, got .*occupied; name another/);
  assert.deepEqual(readdirSync(out), ['notes.txt']);
});
