import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Cohort, loadCohort } from '../../src/data/index.js';
import { dumpStudy, maskWords, parseStudy, resolveStudy, studySplits } from '../../src/study/index.js';

const dataDirectory = process.env.MEDFUSION_DATA ?? '../shared/data';
const examples = readdirSync('examples').filter((name) => name.endsWith('.yaml'));

const positives = ({ labels, targets }: Cohort) =>
  Object.fromEntries(
    labels.map((label, l) => [
      label,
      targets.filter((target, i) => i % labels.length === l && target === 1).length,
    ]),
  );

/** Facts of the published data, found without this library. */
const facts: Record<string, (cohort: Cohort) => void> = {
  'cervical.yaml': (cohort) => {
    assert.ok(cohort.size <= 835, '23 rows are exact repeats');
    assert.ok(cohort.size >= 820);
    const { Biopsy, Schiller } = positives(cohort);
    assert.ok(Biopsy <= 55 && Biopsy >= 53 && Schiller <= 74 && Schiller >= 72);
    assert.equal(cohort.numeric.length, 19);
  },
  'odir.yaml': (cohort) => {
    assert.equal(cohort.size, 2689);
    assert.deepEqual(positives(cohort), { N: 863, D: 905, G: 162, C: 163, A: 125, H: 82, M: 137, O: 728 });
    assert.equal(cohort.visits.flat().length, 5118);
    assert.equal(cohort.slots, 2);
    assert.equal(cohort.numeric[0].values.filter(Number.isNaN).length, 11, 'ages of 1 are missing');
  },
  'nih.yaml': (cohort) => {
    assert.equal(cohort.size, 1463);
    assert.equal(new Set(cohort.patients).size, 1256);
    assert.equal(positives(cohort).Effusion, 454);
    assert.equal(positives(cohort).Hernia, 68);
    assert.equal(cohort.slots, 3);
  },
  'covid.yaml': (cohort) => {
    assert.equal(cohort.size, 653 - 5, 'five images stand in the table under two patient numbers');
    assert.equal(positives(cohort)['COVID-19'], 451);
    assert.equal(positives(cohort).ARDS, 16);
    assert.equal(cohort.known.filter((known) => known === 0).length, 78 * 4, '"todo" is unknown');
    for (const { values } of cohort.text)
      assert.ok(
        !values.some((value) => /covid|\bards\b|pneumocystis|\bsars/i.test(value ?? '')),
        'a note names its diagnosis',
      );
  },
};

for (const name of examples) {
  const file = join('examples', name);
  test(`${file} is a study and survives being written out`, () => {
    const study = parseStudy(readFileSync(file, 'utf8'), file);
    assert.deepEqual(parseStudy(dumpStudy(study), 'study.yaml'), study);
    assert.equal(`${study.name}.yaml`, name);
    assert.ok(facts[name] !== undefined, 'every example has its facts in this test');
  });

  test(`${file} reads its data as published`, async (t) => {
    const study = parseStudy(readFileSync(file, 'utf8'), file);
    const resolved = resolveStudy(study, { studyFile: file, dataDirectory });
    if (!existsSync(resolved.cohort.table)) {
      t.skip(
        `${resolved.cohort.table} is absent; set MEDFUSION_DATA to the folder that holds ${study.data.table}`,
      );
      return;
    }
    const cohort = maskWords(await loadCohort(resolved.cohort), study.data.maskWords);
    t.diagnostic(
      `${cohort.size} rows, ${new Set(cohort.patients).size} patients, ${cohort.visits.flat().length} images; ` +
        `positives ${JSON.stringify(positives(cohort))}; ${cohort.notes.map((note) => `${note.code} ${note.count}`).join(', ')}`,
    );
    facts[name](cohort);
    const splits = await studySplits(resolved, cohort);
    for (const split of splits) {
      const patientsOf = (rows: Int32Array) => new Set(Array.from(rows, (row) => cohort.patients[row]));
      const test = patientsOf(split.test);
      const fitted = patientsOf(Int32Array.of(...split.train, ...split.validation));
      assert.ok(![...test].some((patient) => fitted.has(patient)), 'a patient is trained on and tested');
    }
    const { train, validation, test: held } = splits[0];
    t.diagnostic(
      `${splits.length} split(s), the first ${train.length} / ${validation.length} / ${held.length} rows`,
    );
    if (name === 'nih.yaml')
      assert.equal(held.length, 459, 'images of the official test list that are present');
  });
}
