/**
 * The examples with all their images, and false alarms: generated studies hold nothing that gives a label away, so every
 * serious finding on one is false. Prints the rate over 200 seeds; takes some minutes.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { falseAlarms, published } from './audited.js';
import { scratchFolder } from './tinyStudy.js';

test('200 generated studies of 300 patients: at most one in a hundred raises a serious finding', async (t) => {
  const folder = scratchFolder('false-alarms');
  const serious: string[] = [];
  const warnings = new Map<string, number>();
  let studies = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const findings = await falseAlarms(join(folder, String(seed)), { seed, patients: 300 });
    const keys = findings.filter(({ severity }) => severity === 'serious').map(({ key }) => key);
    if (keys.length > 0) studies++;
    serious.push(...keys);
    for (const { key, severity } of findings)
      if (severity === 'warning') warnings.set(key, (warnings.get(key) ?? 0) + 1);
  }
  t.diagnostic(`${studies} of 200 studies with a serious finding: ${serious.join(', ') || 'none'}`);
  t.diagnostic(`warnings: ${[...warnings].map(([key, count]) => `${key} ${count}`).join(', ') || 'none'}`);
  assert.ok(studies <= 2, `${studies} of 200`);
});

for (const file of readdirSync('examples').filter((name) => name.endsWith('.yaml'))) {
  test(`examples/${file}: nothing serious but what it accepts, and all of that is found`, async (t) => {
    const findings = await published(t, readFileSync(join('examples', file), 'utf8'));
    const unexpected = findings?.filter(
      ({ severity, code }) => severity === 'serious' || code === 'stale-acceptance',
    );
    assert.deepEqual(unexpected ?? [], []);
  });
}
