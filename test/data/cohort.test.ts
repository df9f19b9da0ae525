import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Cohort, type CohortSpec, loadCohort } from '../../src/data/index.js';
import { ConfigError, DataError } from '../../src/errors.js';
import { scratchFolder } from './scratch.js';

type Options = Omit<CohortSpec, 'table'>;

const load = (t: TestContext, csv: string, options: Options): Promise<Cohort> =>
  loadCohort({ table: join(scratchFolder(t, { 't.csv': csv }), 't.csv'), ...options });

const refuses = async (t: TestContext, csv: string, options: Options, code: string, message: RegExp) =>
  assert.rejects(load(t, csv, options), (error: unknown) => {
    assert.ok(error instanceof DataError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });

const noteOf = (cohort: Cohort, code: string) => {
  const note = cohort.notes.find((candidate) => candidate.code === code);
  assert.ok(note, `no note ${code} among ${cohort.notes.map((other) => other.code)}`);
  return note;
};

test('every kind of column is read as declared, and missing stays missing', async (t) => {
  const csv = [
    'id,who,n,when,stage,sex,words,A,B ',
    'r1,p2,1.5,2,II,F,"a, b",1,No',
    'r2,p1,?,1,I,,?,0,Y',
    'r3,p2,999,,NA,M,c,?,FALSE',
  ].join('\n');
  const cohort = await load(t, csv, {
    id: 'id',
    patient: 'who',
    order: 'when',
    labels: { columns: { first: 'A', second: 'B' } },
    numeric: ['n'],
    ordinal: { stage: ['I', 'II', 'III'] },
    categorical: ['sex'],
    text: ['words'],
    valid: { n: [0, 120] },
  });
  assert.deepEqual(cohort.ids, ['r1', 'r2', 'r3']);
  assert.deepEqual(cohort.patients, ['p2', 'p1', 'p2']);
  assert.deepEqual([...cohort.patientIndex], [0, 1, 0]);
  assert.deepEqual([...cohort.lines], [2, 3, 4]);
  assert.deepEqual([...cohort.order!], [2, 1, Number.NaN]);
  assert.deepEqual(cohort.labels, ['first', 'second']);
  assert.deepEqual([...cohort.targets], [1, 0, 0, 1, 0, 0]);
  assert.deepEqual([...cohort.known], [1, 1, 1, 1, 0, 1]);
  assert.deepEqual(
    cohort.numeric.map(({ name, kind, values }) => [name, kind, [...values]]),
    [
      ['n', 'numeric', [1.5, Number.NaN, Number.NaN]],
      ['stage', 'ordinal', [1, 0, Number.NaN]],
    ],
  );
  assert.deepEqual(cohort.categorical, [{ name: 'sex', values: ['F', null, 'M'] }]);
  assert.deepEqual(cohort.text, [{ name: 'words', values: ['a, b', null, 'c'] }]);
  assert.deepEqual([cohort.slots, cohort.visits], [0, [[], [], []]]);
  assert.deepEqual(noteOf(cohort, 'out-of-range').rows, [4]);
});

test('without id and patient columns each row stands for itself', async (t) => {
  const cohort = await load(t, 'x\n1\n\n2\n', { labels: { columns: [] }, numeric: ['x'] });
  assert.deepEqual(cohort.ids, ['row-2', 'row-4']);
  assert.deepEqual(cohort.patients, cohort.ids);
  assert.deepEqual([cohort.targets.length, cohort.order], [0, null]);
});

test('delimited findings become labels; an empty cell is unknown and the none entry all absent', async (t) => {
  const csv = 'i,f\n1,B|A\n2,None\n3,\n4,A | C\n';
  const free = await load(t, csv, { labels: { column: 'f', delimiter: '|', none: 'None' } });
  assert.deepEqual(free.labels, ['A', 'B', 'C']);
  assert.deepEqual([...free.targets], [1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
  assert.deepEqual([...free.known], [1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
  const named = await load(t, csv, {
    labels: { column: 'f', delimiter: '|', none: 'None', names: ['C', 'Bee'] },
  });
  assert.deepEqual([...named.targets], [0, 0, 0, 0, 0, 0, 1, 0]);
  assert.equal(noteOf(named, 'ignored-findings').count, 2);
  assert.match(noteOf(named, 'label-never-found').message, /"Bee"/);
});

test('each fault names file, line and column and shortens what it shows', async (t) => {
  const labels = { columns: ['y'] };
  await refuses(
    t,
    'y,n\n1,2\n0,1;5\n',
    { labels, numeric: ['n'] },
    'bad-number',
    /"1;5".*t\.csv, line 3, column "n"/,
  );
  for (const cell of ['Infinity', '0x10', '12 mg', '1e999', '--1']) {
    await refuses(t, `y,n\n1,${cell}\n`, { labels, numeric: ['n'] }, 'bad-number', /line 2, column "n"/);
  }
  await refuses(
    t,
    'y\n2\n',
    { labels },
    'bad-label',
    /a label is 0, 1 or missing, got "2".*line 2, column "y"/,
  );
  const long = 'x'.repeat(50);
  await refuses(t, `y\n${long}\n`, { labels }, 'bad-label', /"x{20}…"/);
  await refuses(
    t,
    'y,s\n1,IV\n',
    { labels, ordinal: { s: ['I', 'II'] } },
    'bad-level',
    /I < II, got "IV".*line 2, column "s"/,
  );
  await refuses(
    t,
    'y,id\n1,a\n0,a\n',
    { labels, id: 'id' },
    'duplicate-id',
    /"a" as in line 2.*line 3, column "id"/,
  );
  await refuses(t, 'y,id\n1,?\n', { labels, id: 'id' }, 'missing-id', /line 2, column "id"/);
  await refuses(t, 'y,p\n1,\n', { labels, patient: 'p' }, 'missing-patient', /line 2, column "p"/);
  await refuses(t, 'y,n\n1\n', { labels, numeric: ['n'] }, 'ragged-row', /header, 2, got 1.*line 2/);
  await refuses(
    t,
    'y,age\n1,2\n',
    { labels, numeric: ['aeg'] },
    'unknown-column',
    /did you mean "age"\?.*line 1/,
  );
  await refuses(t, 'y\n1\n', { labels, rows: [{ column: 'y', in: ['0'] }] }, 'empty-cohort', /got 0 of 1/);
  const findings = { column: 'y', delimiter: '|', none: 'No' };
  await refuses(t, 'y\nA|No\n', { labels: findings }, 'bad-label', /"No" stands alone.*line 2/);
  await refuses(t, 'y\nA||B\n', { labels: findings }, 'bad-label', /line 2/);
});

test('bad rows can be skipped: the rest is read, and notes count and list them without their values', async (t) => {
  const csv = 'id,y,n\na,1,1\nb,secret,1\nc,0,secret\nd,0\na,0,4\ne,secret,2\nf,0,3\n';
  const cohort = await load(t, csv, {
    id: 'id',
    labels: { columns: ['y'] },
    numeric: ['n'],
    onBadRow: 'skip',
  });
  assert.deepEqual(cohort.ids, ['a', 'f']);
  assert.deepEqual(
    cohort.notes.map(({ code, count, rows }) => [code, count, rows]),
    [
      ['skipped-ragged-row', 1, [5]],
      ['skipped-bad-label', 2, [3, 7]],
      ['skipped-bad-number', 1, [4]],
      ['skipped-duplicate-id', 1, [6]],
    ],
  );
  assert.doesNotMatch(JSON.stringify(cohort.notes), /secret/);
});

test('the first fault in the file ends the run', async (t) => {
  const options = { labels: { columns: ['y'] }, numeric: ['n'] };
  await refuses(t, 'y,n\n1,x\n1\n', options, 'bad-number', /line 2/);
  await refuses(t, 'y,n\n1\n1,x\n', options, 'ragged-row', /line 2/);
  await refuses(t, 'y,n\n1,x\n1,"2\n', options, 'bad-number', /line 2/);
});

test('exact duplicates of the used columns are dropped and counted; other columns do not matter', async (t) => {
  const csv = 'id,y,unused\na,1,x\na,1,y\nb,1,x\n';
  const options = { id: 'id', labels: { columns: ['y'] }, dropDuplicateRows: true };
  const cohort = await load(t, csv, options);
  assert.deepEqual(cohort.ids, ['a', 'b']);
  assert.equal(noteOf(cohort, 'dropped-duplicate-rows').count, 1);
  await refuses(t, csv.replace('a,1,y', 'a,0,y'), options, 'duplicate-id', /line 3/);
});

test('a row filter leaves rows out before their cells are judged', async (t) => {
  const cohort = await load(t, 'kind,y\nX,1\nCT,broken\n X ,0\n', {
    labels: { columns: ['y'] },
    rows: [{ column: 'kind', in: ['X'] }],
  });
  assert.equal(cohort.size, 2);
  assert.equal(noteOf(cohort, 'filtered-rows').count, 1);
});

test('further spellings of labels are taken, and contradictions refused', async (t) => {
  const cohort = await load(t, 'y\nDead\nalive\n?\n', {
    labels: { columns: ['y'] },
    positive: ['dead'],
    negative: ['Alive'],
  });
  assert.deepEqual([...cohort.targets, ...cohort.known], [1, 0, 0, 1, 1, 0]);
  const wrong: Partial<Options>[] = [
    { positive: ['No'] },
    { numeric: ['y'] },
    { id: 'x', numeric: ['x'] },
    { valid: { x: [0, 1] } },
    { valid: { x: [2, 1] }, numeric: ['x'] },
    { history: 1, order: 'x' },
    { history: 1.5 },
    { images: { directory: '/', columns: ['x', 'x'] } },
  ];
  for (const options of wrong) {
    await assert.rejects(load(t, 'x,y\n1,1\n', { labels: { columns: ['y'] }, ...options }), ConfigError);
  }
});
