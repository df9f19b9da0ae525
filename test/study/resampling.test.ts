/**
 * Rows are never resampled before a split, since nothing that makes splits can reach what resamples, and what resamples is
 * handed training rows alone.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { fitStage1 } from '../../src/risk/index.js';
import { studyJsonSchema } from '../../src/study/index.js';
import { createSampler, epochOrder } from '../../src/train/index.js';
import { cohortOf, drawn, thirds } from '../data/audit/sampleTables.js';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name: name.replaceAll('\\', '/'), text: readFileSync(join('src', name), 'utf8') }));
/** Everything that draws rows repeatedly or makes new ones from them. */
const resamplers = /\b(createSampler|epochOrder|smote|oversample\w*|undersample\w*)\b/;

test('what resamples lives where training rows are fitted on, and nothing that reads or splits data refers to it', () => {
  const unread = /\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'/g; // comments, and strings: to name a setting is to call nothing
  const users = sources.filter(({ text }) => resamplers.test(text.replace(unread, '')));
  assert.ok(
    users.some(({ name }) => name === 'train/sampler.ts'),
    'the pattern finds the sampler',
  );
  for (const { name } of users) assert.match(name, /^(train|risk)\//, `src/${name} refers to a resampler`);
  // Sampling is asked for under training and stage1, which come after the split; data and split have no such key.
  const { data, split } = studyJsonSchema.properties ?? {};
  assert.doesNotMatch(JSON.stringify([data, split]), /"(\w*[sS]ampl\w*|smote|balanced)":/);
});

test('an epoch draws positions among the rows that the sampler was made from', () => {
  const targets = fc.array(fc.constantFrom(0, 1), { minLength: 2, maxLength: 40 });
  fc.assert(
    fc.property(targets, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(5), (cells, balance, epoch) => {
      const rows = {
        labelCount: 1,
        targets: Float32Array.from(cells),
        known: new Uint8Array(cells.length).fill(1),
      };
      const order = epochOrder(createSampler(rows, { rareBelow: 1, maxRepeat: 5 }), {
        seed: 1,
        epoch,
        balance,
      });
      assert.ok(order.every((position) => position >= 0 && position < cells.length));
    }),
  );
});

for (const resampling of ['none', 'smote'] as const) {
  for (const classifier of ['tree', 'logistic', 'network'] as const) {
    test(`stage 1 with ${classifier} and resampling ${resampling} is the same whatever the held-out rows hold`, () => {
      const n = 300;
      const split = thirds(n);
      const held = (row: number) => row % 3 !== 0;
      const ill = drawn(n, 1, (random) => (random.uniform() < 0.15 ? 1 : 0));
      const crp = drawn(n, 2, (random, i) => ill[i] + random.normal());
      const fit = (targets: Float64Array, values: Float64Array, resample: typeof resampling = resampling) => {
        const cohort = cohortOf({ labels: { ill: targets }, numeric: { crp: values } });
        const settings = { seed: 3, classifier, resampling: resample };
        return fitStage1(cohort, cohort.targets, cohort.known, cohort.labels, split.train, settings);
      };
      const scrambled = fit(
        ill.map((value, row) => (held(row) ? 1 - value : value)),
        crp.map((value, row) => (held(row) ? 1e6 - value : value)),
      );
      assert.deepEqual(scrambled, fit(ill, crp));
      if (resampling === 'smote') assert.notDeepEqual(fit(ill, crp).labels, fit(ill, crp, 'none').labels);
    });
  }
}
