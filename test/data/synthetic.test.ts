import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { generateStudy, loadCohort, readTable } from '../../src/data/index.js';
import { conditions } from '../../src/data/synthetic/conditions.js';
import { symptoms } from '../../src/data/synthetic/notes.js';
import { drawPatients } from '../../src/data/synthetic/patients.js';
import { holds } from '../../src/data/synthetic/posterior.js';
import { studyTruth } from '../../src/data/synthetic/truth.js';
import { ConfigError, DataError } from '../../src/errors.js';
import { parseStudy, resolveStudy } from '../../src/study/index.js';
import { scratchFolder } from './scratch.js';

function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
    .sort();
  for (const file of files)
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(folder, file)));
  return hash.digest('hex');
}

test('the same options give the same bytes, another seed gives others', async (t) => {
  const root = scratchFolder(t);
  const make = async (name: string, seed: number) => {
    await generateStudy({ directory: join(root, name), patients: 12, seed });
    return fingerprint(join(root, name));
  };
  const first = await make('a', 5);
  assert.equal(await make('b', 5), first);
  assert.notEqual(await make('c', 6), first);
});

test('more patients leave the earlier ones as they were', () => {
  const few = drawPatients(3, 5, 1);
  assert.deepEqual(
    drawPatients(3, 9, 1)
      .slice(0, few.length)
      .map(({ id, z, note, pattern }) => ({ id, z, note, pattern })),
    few.map(({ id, z, note, pattern }) => ({ id, z, note, pattern })),
  );
});

test('the written study file is valid and the loader reads what it names', async (t) => {
  const directory = join(scratchFolder(t), 'study');
  const { study, rows, truth } = await generateStudy({ directory, patients: 60 });
  const parsed = resolveStudy(parseStudy(readFileSync(study, 'utf8'), study), { studyFile: study });
  const cohort = await loadCohort(parsed.cohort);
  assert.equal(cohort.size, rows);
  assert.deepEqual(
    cohort.labels,
    conditions.map(({ label }) => label),
  );
  assert.equal(new Set(cohort.patients).size, 60);
  cohort.ids.forEach((id, row) => {
    assert.ok(id.startsWith(`${cohort.patients[row]}-`));
  });
  assert.deepEqual(
    cohort.numeric.map(({ name }) => name),
    [
      'age_years',
      'crp_mg_l',
      'leukocytes_g_l',
      'haemoglobin_g_dl',
      'albumin_g_l',
      'bnp_ng_l',
      'spo2_percent',
      'dyspnoea',
    ],
  );
  const images = new Set(readdirSync(join(directory, 'images')));
  const own = cohort.visits.flatMap((visits) => visits.filter(({ slot }) => slot === 0));
  assert.equal(own.length, images.size);
  assert.ok(images.size < rows, 'some rows have no image');
  assert.ok(
    cohort.visits.some((visits) => visits.some(({ slot, timeOffset }) => slot === 1 && timeOffset < 0)),
    'earlier images join later rows',
  );
  const { width, height, channels } = await sharp(own[0].path).metadata();
  assert.deepEqual([width, height, channels], [64, 64, 1]);
  assert.deepEqual(Object.keys(truth.risk), cohort.ids);
  assert.deepEqual(JSON.parse(readFileSync(join(directory, 'truth.json'), 'utf8')), truth);
});

test('every box names a recorded image and lies inside it', async (t) => {
  const directory = join(scratchFolder(t), 'study');
  await generateStudy({ directory, patients: 40, imageSize: 96 });
  const { columns, rows } = await readTable(join(directory, 'boxes.csv'));
  assert.deepEqual(columns, ['image', 'label', 'finding', 'x', 'y', 'width', 'height']);
  assert.ok(rows.length > 20);
  for (const row of rows) {
    const [x, y, width, height] = row.slice(3).map(Number);
    assert.ok(existsSync(join(directory, 'images', row[0])));
    assert.equal(conditions.find(({ label }) => label === row[1])?.finding, row[2]);
    assert.ok(x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= 96 && y + height <= 96);
  }
});

const many = drawPatients(1, 4000, 1);
const truth = studyTruth(many);
const share = (items: readonly unknown[], of: readonly unknown[]) => items.length / of.length;

test('each label has the intended prevalence, and related labels come together', () => {
  const expected: Record<string, readonly [number, number]> = {
    heart_failure: [0.34, 0.42],
    pneumonia: [0.2, 0.28],
    fibrosis: [0.13, 0.2],
    malignancy: [0.07, 0.12],
    tuberculosis: [0.04, 0.08],
  };
  conditions.forEach(({ label }, at) => {
    const prevalence = share(
      many.filter(({ pattern }) => holds(pattern, at)),
      many,
    );
    const [low, high] = expected[label];
    assert.ok(prevalence > low && prevalence < high, `${label}: ${prevalence}`);
  });
  const rate = (a: string, given: string, value: boolean) => {
    const at = (name: string) => conditions.findIndex(({ label }) => label === name);
    const rows = many.filter(({ pattern }) => holds(pattern, at(given)) === value);
    return share(
      rows.filter(({ pattern }) => holds(pattern, at(a))),
      rows,
    );
  };
  assert.ok(rate('malignancy', 'fibrosis', true) > 2 * rate('malignancy', 'fibrosis', false));
  assert.ok(rate('heart_failure', 'pneumonia', true) > 1.2 * rate('heart_failure', 'pneumonia', false));
});

test('one modality alone reaches .75 to .87, two more, all three .92 or more, for every label', () => {
  for (const [label, { ceilings }] of Object.entries(truth.labels)) {
    const { image, tabular, text, all } = ceilings as Record<keyof typeof ceilings, number>;
    for (const alone of [image, tabular, text]) assert.ok(alone > 0.75 && alone < 0.87, `${label} ${alone}`);
    assert.ok(all > 0.92 && all < 0.97, `${label} ${all}`);
  }
});

test('the stated risk is calibrated: the sampler and the posterior agree', () => {
  const complete = drawPatients(2, 4000, 0).filter(({ number }) => number === 1);
  for (const visits of [complete, many.filter(({ number }) => number === 1)]) {
    const { risk } = studyTruth(visits);
    conditions.forEach(({ label }, at) => {
      for (let bin = 0; bin < 5; bin++) {
        const rows = visits.filter(({ id }) => Math.min(4, Math.floor(risk[id][at] * 5)) === bin);
        if (rows.length < 30) continue;
        const observed = share(
          rows.filter(({ pattern }) => holds(pattern, at)),
          rows,
        );
        const stated = rows.reduce((sum, { id }) => sum + risk[id][at], 0) / rows.length;
        const error = Math.sqrt((stated * (1 - stated)) / rows.length);
        assert.ok(
          Math.abs(observed - stated) < 4 * error + 1e-3,
          `${label}, bin ${bin}: stated ${stated}, observed ${observed} of ${rows.length}`,
        );
      }
    });
  }
});

test('cells are missing at realistic rates that depend on where the patient was seen', () => {
  const rate = (column: string, setting?: number) => {
    const rows = many.filter(({ levels }) => setting === undefined || levels.setting === setting);
    return share(
      rows.filter(({ missing }) => missing.has(column)),
      rows,
    );
  };
  for (const [column, low, high] of [
    ['bnp', 0.28, 0.37],
    ['albumin', 0.24, 0.32],
    ['crp', 0.12, 0.2],
    ['leukocytes', 0.07, 0.13],
    ['smoking', 0.09, 0.17],
    ['notes', 0.06, 0.11],
    ['image', 0.02, 0.06],
    ['tuberculosis', 0.06, 0.1],
  ] as const) {
    assert.ok(rate(column) > low && rate(column) < high, `${column}: ${rate(column)}`);
  }
  assert.ok(rate('bnp', 0) > 2.5 * rate('bnp', 2), 'outpatients lack the test more often than emergencies');
  assert.equal(rate('age'), 0);
  assert.ok(many.every(({ missing }) => missing.has('leukocytes') === missing.has('haemoglobin')));
  assert.ok(drawPatients(1, 100, 0).every(({ missing }) => missing.size === 0));
});

test('a fifth of the patients return, in order of age and visit, mostly with the same labels', () => {
  const later = many.filter(({ number }) => number > 1);
  const visitsOf = new Map(many.map((visit) => [visit.id, visit]));
  const share2 = later.filter(({ number }) => number === 2).length / 4000;
  assert.ok(share2 > 0.18 && share2 < 0.26, `${share2}`);
  let same = 0;
  for (const visit of later) {
    const before = visitsOf.get(`${visit.patient}-${visit.number - 1}`);
    assert.ok(before !== undefined && before.z.age < visit.z.age);
    assert.equal(before.levels.sex, visit.levels.sex);
    if (before.pattern === visit.pattern) same++;
  }
  assert.ok(same / later.length > 0.7 && same / later.length < 0.9, `${same / later.length}`);
});

test('notes tell symptoms in several wordings and name no label or finding', () => {
  const words = [
    ...conditions.flatMap(({ label, finding }) => [label.replace('_', ' '), finding]),
    ...['cancer', 'tumour', 'heart failure', 'infiltrate', 'fibrotic', 'malignant', 'tubercul', 'pneumon'],
  ];
  for (const { note, symptoms: present } of many) {
    for (const word of words) assert.ok(!note.toLowerCase().includes(word), `${word} in: ${note}`);
    assert.ok(note.length > 0 && present.length === symptoms.length);
  }
  const fever = symptoms.findIndex(({ name }) => name === 'fever');
  const telling = /temp \d|feverish|shivering|febrile since/i;
  for (const { note, symptoms: present } of many) assert.equal(telling.test(note), present[fever], note);
});

test('a folder with contents is refused and left alone', async (t) => {
  const root = scratchFolder(t, { 'study/mine.txt': 'keep' });
  await assert.rejects(
    generateStudy({ directory: join(root, 'study'), patients: 2 }),
    (error) => error instanceof DataError && error.code === 'folder-not-empty',
  );
  assert.deepEqual(readdirSync(root, { recursive: true }).sort(), ['study', 'study/mine.txt']);
});

test('options out of range are refused before anything is written', async (t) => {
  const root = scratchFolder(t);
  const directory = join(root, 'study');
  for (const bad of [
    { patients: 0 },
    { patients: 1.5 },
    { seed: Number.NaN },
    { imageSize: 50 },
    { missing: -1 },
  ]) {
    await assert.rejects(generateStudy({ directory, ...bad }), ConfigError);
  }
  assert.deepEqual(readdirSync(root), []);
});
