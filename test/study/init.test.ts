import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { generateStudy } from '../../src/data/index.js';
import { ConfigError, DataError } from '../../src/errors.js';
import { initStudy, parseStudy } from '../../src/study/index.js';
import { proposals } from './proposals.js';

const { folder, proposed, written } = proposals('init');

const csvOf = (header: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  `${[header, ...rows].map((row) => row.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(',')).join('\n')}\n`;
const rowsOf = (n: number, row: (i: number) => readonly (string | number)[]) =>
  Array.from({ length: n }, (_, i) => row(i));

test('the generated study is proposed as its own study file declares it', async () => {
  const directory = join(folder, 'generated');
  const { study: file } = await generateStudy({ directory, patients: 150, imageSize: 32 });
  const own = parseStudy(await readFile(file, 'utf8'), file);
  const { study, messages, cohort } = await proposed(join(directory, 'table.csv'), join(directory, 'images'));
  for (const key of ['id', 'patient', 'order', 'view', 'text', 'ordinal'] as const)
    assert.deepEqual(study.data[key], own.data[key], key);
  assert.deepEqual(study.labels.columns, own.labels.columns);
  assert.deepEqual(new Set(study.data.numeric), new Set(own.data.numeric));
  assert.deepEqual(new Set(study.data.categorical), new Set(own.data.categorical));
  assert.deepEqual(study.data.images?.columns, ['image']);
  assert.equal(study.data.images?.present, false);
  assert.ok(cohort.visits.some((visits) => visits.length > 0));
  assert.match(messages, /check: labels are "heart_failure"/);
});

test('any table becomes a study that is read as it stands, or is refused in words', async () => {
  const name = fc.oneof(
    fc.constantFrom(
      'a: b',
      'x #1',
      '- y',
      '"q"',
      "it's",
      'two\nlines',
      '{z}',
      '[w',
      'v]',
      '@t',
      '*u',
      '1.5',
      'null',
      'yes',
      '%',
      'ä|ö',
    ),
    fc.constantFrom(
      'id',
      'Patient ID',
      'patient',
      'visit',
      'age',
      'Age (years)',
      'sex',
      'notes',
      'outcome',
      'Dx',
      'date',
      'stage',
      'findings',
      'Follow-up #',
      '',
    ),
  );
  const cells: Record<string, fc.Arbitrary<string>> = {
    binary: fc.constantFrom('0', '1', '1.0', ''),
    yesNo: fc.constantFrom('Yes', 'no', 'N', '?'),
    outcome: fc.constantFrom('dead', 'Alive', 'NA'),
    number: fc.constantFrom('1', '2.5', '-3', '1e3', '999', '-1', 'n/a', '.', 'None', ''),
    mixed: fc.constantFrom('1', '2', '3', '<4', '5,6', ''),
    level: fc.constantFrom('low', 'medium', 'High', 'unknown', 'None'),
    finding: fc.constantFrom('A|B', 'A', 'B', 'C|A', 'No Finding', 'None', ''),
    text: fc.constantFrom(
      'some words about a patient',
      'x',
      'seen: well, sent home',
      '"quoted" words # here',
    ),
    date: fc.constantFrom('2020-01-02', '2021-12-31', '1.2.2003'),
    constant: fc.constant('7'),
    empty: fc.constant(''),
    key: fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('a', 'b', '1', '-', ' ', ',', "'") }),
  };
  const column = fc.tuple(name, fc.constantFrom(...Object.keys(cells)));
  let read = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(column, { minLength: 2, maxLength: 8, selector: ([header]) => header.trim() }),
      fc.integer({ min: 1, max: 40 }),
      fc.infiniteStream(fc.nat()),
      fc.boolean(),
      async (columns, n, seeds, repeat) => {
        const drawn = columns.map(([, kind]) =>
          fc.sample(cells[kind], { numRuns: n, seed: seeds.next().value }),
        );
        const rows = rowsOf(n, (i) => drawn.map((values) => values[i]));
        const table = await written(
          csvOf(
            columns.map(([header]) => header),
            repeat ? [...rows, ...rows] : rows,
          ),
          'any.csv',
        );
        try {
          await proposed(table);
          read++;
        } catch (error) {
          if (!(error instanceof DataError) || !['no-label', 'no-feature'].includes(error.code)) throw error;
        }
      },
    ),
    { numRuns: 60 },
  );
  assert.ok(read > 15, `only ${read} of 60 tables were read`);
});

test('every row of doubt is named, and no value of a patient', async () => {
  const header = [
    'Record ID',
    'subject_no',
    'visit',
    'age',
    'weight',
    'sodium',
    'smoker',
    'stage',
    'ward',
    'remark',
    'hospital_url',
    'nothing',
    'always',
    'lab',
    'copy',
    'Dx:earlier',
    'death',
    'spare death',
  ];
  const rows = rowsOf(60, (i) => {
    const death = Number(i % 7 === 0);
    return [
      `secret-${i}`,
      `person-${i % 20}`,
      Math.floor(i / 20),
      i % 15 === 3 ? 0 : 30 + (i % 40),
      i % 12 === 5 ? 999 : 50 + i / 2,
      i % 9 === 4 ? -1 : 130.25 + (i % 13),
      i % 5 === 0 ? 'None' : i % 2,
      ['I', 'II', 'III'][i % 3],
      ['A', 'B'][i % 2],
      `a remark of some words, number ${i}`,
      `https://x.org/${i}`,
      '',
      'same',
      i === 17 ? '<5-private' : i,
      3 * (50 + i / 2) + 1,
      i % 4 === 0 ? 1 : 0,
      death,
      i % 6 === 0 ? 1 : 0,
    ];
  });
  const { study, yaml, messages, cohort } = await proposed(await written(csvOf(header, rows)));
  const { data } = study;
  assert.deepEqual([data.id, data.patient, data.order], ['Record ID', 'subject_no', 'visit']);
  assert.deepEqual(data.numeric, ['age', 'weight', 'sodium', 'smoker', 'copy']);
  assert.deepEqual(
    [data.categorical, data.text, data.ordinal],
    [['ward'], ['remark'], { stage: ['I', 'II', 'III'] }],
  );
  assert.deepEqual(data.valid, { age: [2, 120], weight: [0, 500], sodium: [0, 1e9] });
  assert.ok(data.missing.includes('None'));
  assert.deepEqual(study.labels.columns, ['death', 'spare death']);
  for (const [name, why] of [
    ['nothing', 'never recorded'],
    ['always', 'one value in all 60'],
    ['lab', '1 of 60 cells are not numbers, the first in line 19'],
    ['hospital_url', 'says where the row comes from'],
    ['Dx:earlier', 'sounds like a diagnosis'],
  ])
    assert.ok(yaml.includes(`# - ${name}: ${why}`), `${name} in ${yaml}`);
  assert.match(yaml, /- copy # .*nearly a copy of weight, correlation 1\.000/);
  assert.match(messages, /decide: "Dx:earlier" sound/);
  assert.match(messages, /check: values of "age", "weight", "sodium" look like codes/);
  assert.doesNotMatch(yaml + messages, /secret|person|remark of|private/);
  assert.equal(cohort.numeric[1].values.filter(Number.isNaN).length, 5);
});

test('a feature that gives a label away is left out', async () => {
  const rows = rowsOf(200, (i) => [
    i % 50,
    Number(i % 9 === 0),
    i % 9 === 0 ? 5 : 1,
    i % 9 === 0 ? 'T' : 'F',
    Number(i % 9 === 0),
  ]);
  const { study, yaml, messages } = await proposed(
    await written(csvOf(['age', 'flag', 'score', 'letter', 'outcome'], rows)),
  );
  assert.deepEqual(
    [study.labels.columns, study.data.numeric, study.data.categorical],
    [['outcome'], ['age'], []],
  );
  assert.match(yaml, /# - score: gives the label outcome away, correlation 1\.000/);
  assert.match(messages, /check: "flag", "score", "letter" give a label away/);
});

test('labels: a plain name, the end of the table, findings in one column, a category, spelled outcomes', async () => {
  const labelsOf = async (header: readonly string[], row: (i: number) => readonly (string | number)[]) =>
    proposed(await written(csvOf(header, rowsOf(80, row))));
  const many = Array.from({ length: 6 }, (_, c) => `q${c}`);
  const bits = (i: number) => many.map((_, c) => (i >> c) & 1);
  const plain = await labelsOf(['age', ...many, 'class'], (i) => [
    i % 40,
    ...bits(i),
    i % 3 === 0 ? 'Positive' : 'Negative',
  ]);
  assert.deepEqual([plain.study.labels.columns, plain.study.labels.positive], [['class'], ['Positive']]);
  assert.deepEqual(plain.study.data.numeric, ['age', ...many]);
  const questions = await labelsOf(['age', ...many], (i) => [i % 40, ...bits(i)]);
  assert.deepEqual(questions.study.labels.columns, ['q5']);
  assert.match(questions.messages, /decide: labels are "q5" \(the last of many yes\/no columns\)/);
  const first = await labelsOf(['died', 'age', 'weight'], (i) => [i % 4 === 0 ? 'yes' : 'No', i % 40, 2 * i]);
  assert.deepEqual(first.study.labels.columns, ['died']);
  const listed = await labelsOf(['age', 'sites', 'diagnosis'], (i) => [
    i % 40,
    ['Bern, Switzerland', 'Rome, Italy'][i % 2],
    ['None', 'flu; cold', 'flu', 'cold', 'flu;cough'][i % 5],
  ]);
  assert.deepEqual(
    [listed.study.labels.delimiter, listed.study.labels.none, listed.study.labels.names],
    [';', 'None', ['flu', 'cold', 'cough']],
  );
  assert.deepEqual(listed.study.data.categorical, ['sites']);
  const category = await labelsOf(['age', 'diagnosis'], (i) => [i % 40, i % 4 === 0 ? 'M' : 'B']);
  assert.deepEqual([category.study.labels.column, category.study.labels.names], ['diagnosis', ['M']]);
  assert.match(category.messages, /^decide: labels/);
});

test('rows that cannot be read are skipped, and a returning id is taken for the patient, both said', async () => {
  const csv = csvOf(
    ['ID', 'crp', 'relapse'],
    rowsOf(40, (i) => [`p${i % 9}`, i / 4, Number(i % 3 === 0)]),
  );
  const { study, messages, cohort } = await proposed(await written(`${csv}p1,2\n`, 'ragged.csv.gz'));
  assert.deepEqual([study.data.patient, study.data.onBadRow, study.name], ['ID', 'skip', 'ragged']);
  assert.equal(cohort.size, 40);
  assert.match(messages, /check: "ID" is taken for the patient/);
  assert.match(messages, /1 rows differ in their number of cells from the header, line 42/);
});

test('a word for missing among numbers is missing in ids and patients too', async () => {
  const cells = rowsOf(60, (i) => [
    i === 7 ? 'None' : i % 20,
    i === 9 ? 'None' : i + 0.5,
    i === 30 ? '.' : i,
    i % 20,
    Number(i % 3 === 0),
  ]);
  const { study, cohort, messages } = await proposed(
    await written(csvOf(['patient', 'crp', 'record id', 'age', 'event'], cells)),
  );
  assert.deepEqual([study.data.patient, study.data.id, study.data.onBadRow], ['patient', undefined, 'skip']);
  assert.ok(study.data.missing.includes('None') && study.data.missing.includes('.'));
  assert.equal(cohort.size, 59);
  assert.match(messages, /rows will be skipped: 1 rows name no patient/);
});

test('images are found by name, by another extension, and refused where there are none', async () => {
  const images = join(folder, 'pictures', 'inner');
  await mkdir(images, { recursive: true });
  for (let i = 0; i < 30; i++) await writeFile(join(images, `e${i}.jpg`), '');
  const csv = (name: (i: number) => string) =>
    written(
      csvOf(
        ['scan', 'age', 'event'],
        rowsOf(40, (i) => [name(i), i % 30, Number(i % 3 === 0)]),
      ),
    );
  const named = await proposed(await csv((i) => `inner/e${i}.jpg`), dirname(images));
  assert.deepEqual(
    { ...named.study.data.images },
    { directory: 'pictures', columns: ['scan'], present: true },
  );
  assert.equal(named.cohort.size, 30);
  const other = await proposed(await csv((i) => `e${i}.png`), images);
  assert.deepEqual([other.study.data.images?.extension, other.cohort.size], ['jpg', 30]);
  const without = await proposed(await csv((i) => `e${i}.png`));
  assert.equal(without.study.data.images, undefined);
  assert.match(without.messages, /image files are named in "scan"; --images DIR adds them/);
  const table = await csv((i) => `f${i}.jpg`);
  await assert.rejects(
    proposed(table, images),
    (error) => error instanceof ConfigError && /got none in/.test(error.message),
  );
  await assert.rejects(proposed(table, join(folder, 'absent')), /ENOENT/);
});

test('what cannot be a study is refused, and no file is written over', async () => {
  const out = join(folder, 'kept.yaml');
  const say = () => undefined;
  await writeFile(out, 'mine');
  const table = await written('a,y\n1,0\n2,1\n');
  await assert.rejects(
    initStudy({ table, out, say }),
    /--out must name a new file, got .*kept\.yaml, which exists/,
  );
  assert.equal(await readFile(out, 'utf8'), 'mine');
  const none = join(folder, 'none.yaml');
  const refused = async (csv: string, message: RegExp) =>
    assert.rejects(initStudy({ table: await written(csv), out: none, say }), message);
  await refused('a,b\n1.5,2\n3,4\n', /needs a column to predict, .*got none among 2 columns/);
  await refused('id,y\na,0\nb,1\n', /needs a column to predict from/);
  await refused('a,b\n', /at least one row/);
  assert.ok(!existsSync(none));
});
