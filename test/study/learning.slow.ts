import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateStudy } from '../../src/data/index.js';
import { trainStudy } from '../../src/study/index.js';

const silent = { epochStart() {}, batch() {}, epochEnd() {}, message() {} };

/**
 * The generator gives each modality a ceiling of about .82 and all three together one of about .95, so a model that
 * joins them can and must pass each that sees one alone.
 */
test('on the generated study the full model beats each single modality by .03 in macro AUROC', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'medfusion-learning-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { study } = await generateStudy({
    directory: join(folder, 'data'),
    patients: 1400,
    seed: 1,
    epochs: 8,
    history: 0,
  });
  const reached: Record<string, number> = {};
  for (const modalities of ['image,tabular,text', 'image', 'tabular', 'text']) {
    const { metrics } = await trainStudy({
      studyFile: study,
      out: join(folder, modalities),
      overrides: [`model.modalities=[${modalities}]`, 'evaluation.bootstrap=0'],
      listener: silent,
    });
    reached[modalities] = metrics.test.macro.auroc.value ?? Number.NaN;
    t.diagnostic(`${modalities}: macro AUROC ${reached[modalities].toFixed(3)}`);
  }
  const { 'image,tabular,text': full, ...single } = reached;
  for (const [modality, value] of Object.entries(single)) {
    assert.ok(value > 0.6, `${modality} alone learns: ${value}`);
    assert.ok(full > value + 0.03, `all three reach ${full}, ${modality} alone ${value}`);
  }
});
