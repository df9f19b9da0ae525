/** Proposals for the public tables, which are not part of the repository. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Proposed, proposals } from './proposals.js';

const { proposed } = proposals('init-real');

test('four public tables are proposed as someone who knows them would', async (t) => {
  const found = (t: TestContext, name: string) => {
    const path = resolve(process.env.MEDFUSION_DATA ?? '../shared/data', name);
    if (!existsSync(path))
      t.diagnostic(`${path} is absent; set MEDFUSION_DATA to the folder of the real data`);
    return path;
  };
  const real = (name: string, table: string, images: string | undefined, check: (is: Proposed) => void) =>
    t.test(name, async (part) => {
      const [file, directory] = [found(part, table), images && found(part, images)];
      if (!existsSync(file) || (directory !== undefined && !existsSync(directory)))
        return part.skip('data absent');
      check(await proposed(file, directory));
    });
  await real(
    'cervical',
    'cervical/risk_factors_cervical_cancer.csv',
    undefined,
    ({ study, cohort, yaml }) => {
      assert.deepEqual(study.labels.columns, ['Hinselmann', 'Schiller', 'Cytology', 'Biopsy']);
      assert.equal(cohort.size, 858 - 23);
      for (const name of ['Dx:Cancer', 'Dx:CIN', 'Dx:HPV', 'Dx', 'STDs:AIDS', 'STDs:cervical condylomatosis'])
        assert.ok(yaml.includes(`# - ${name}: `) && !study.data.numeric.includes(name), name);
      assert.deepEqual(
        { ...study.split, seed: 0 },
        { method: 'kfold', folds: 5, repeats: 5, validation: 0.25, seed: 0 },
      );
    },
  );
  await real('odir', 'odir/odir.csv', 'odir/images', ({ study, cohort, yaml }) => {
    assert.deepEqual(
      [study.data.id, study.data.numeric, study.data.categorical],
      ['ID', ['Patient Age'], ['Patient Sex']],
    );
    assert.deepEqual(study.data.images?.columns, ['Left-Fundus', 'Right-Fundus']);
    assert.deepEqual(study.data.valid, { 'Patient Age': [2, 120] });
    assert.deepEqual([cohort.size, cohort.labels.length, cohort.visits.flat().length], [2689, 8, 5118]);
    assert.match(yaml, /# - Left-Diagnostic Keywords: sounds like a diagnosis/);
  });
  await real('nih', 'nih/Data_Entry_2017_v2020.csv.gz', 'nih/images', ({ study, cohort, yaml }) => {
    const { id, patient, order, view } = study.data;
    assert.deepEqual(
      [id, patient, order, view],
      ['Image Index', 'Patient ID', 'Follow-up #', 'View Position'],
    );
    assert.deepEqual(
      [study.labels.delimiter, study.labels.none, study.labels.names?.length],
      ['|', 'No Finding', 14],
    );
    assert.deepEqual([cohort.size, new Set(cohort.patients).size], [1463, 1256]);
    assert.match(yaml, /# - Height\]: says where the row comes from/);
  });
  await real('covid', 'covid/metadata.csv', 'covid/images', ({ study, cohort, yaml, messages }) => {
    const { patient, order, view, images, text } = study.data;
    assert.deepEqual([patient, order, view, images?.extension], ['patientid', 'offset', 'view', 'jpg']);
    assert.deepEqual([study.labels.column, study.labels.none], ['finding', 'No Finding']);
    assert.ok(study.labels.names?.includes('ARDS') && study.data.missing.includes('todo'));
    assert.ok(text.includes('clinical_notes') && cohort.size > 700);
    for (const name of ['survival', 'went_icu', 'intubated', 'url', 'date'])
      assert.ok(yaml.includes(`# - ${name}: `), name);
    assert.match(messages, /decide: "survival"/);
  });
});
