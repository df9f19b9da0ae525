import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const script = 'examples/smote-before-split/run.mjs';

/** What the example prints, and its two figures. */
function run(...args: string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const figure = (way: string) => Number(new RegExp(`SMOTE ${way}: +(\\S+)`).exec(stdout)?.[1]);
  return { stdout, before: figure('before the split'), inside: figure('inside training folds') };
}

const page = readFileSync('docs/leakage.md', 'utf8');

test('SMOTE before the split makes noise predictable, inside training folds it does not', () => {
  const { stdout, before, inside } = run();
  assert.ok(before > 0.8, `${before}`);
  assert.ok(inside > 0.45 && inside < 0.55, `${inside}`);
  assert.ok(page.includes(stdout), 'docs/leakage.md shows these figures');
});

test('so it does with the cervical table', (t) => {
  const data = process.env.MEDFUSION_DATA ?? '../shared/data';
  if (!existsSync(join(data, 'cervical'))) {
    t.skip(`${data}/cervical is absent; set MEDFUSION_DATA to the folder that holds it`);
    return;
  }
  const { stdout, before, inside } = run(data);
  assert.ok(before > 0.9, `${before}`);
  assert.ok(inside < 0.75, `${inside}`);
  assert.ok(page.includes(stdout), 'docs/leakage.md shows these figures');
});
