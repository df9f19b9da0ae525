import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  dealPatients,
  fromLists,
  holdOut,
  kFold,
  type PatientStrata,
  type Split,
  type SplitSource,
  splitParts,
  summarizeSplit,
} from '../../src/data/index.js';
import { ConfigError, DataError } from '../../src/errors.js';
import { type Random, randomStream } from '../../src/random/index.js';
import { scratchFolder } from './scratch.js';

/** A cohort whose patients have 1 … `mostRows` rows and correlated labels of the given prevalence. */
function cohortOf(
  patients: number,
  prevalence: readonly number[],
  options: { seed?: number; mostRows?: number; unknown?: number } = {},
): SplitSource {
  const random = randomStream(options.seed ?? 1, 'cohort');
  const patientIndex: number[] = [];
  const targets: number[] = [];
  const known: number[] = [];
  for (let patient = 0; patient < patients; patient++) {
    const inclination = random.normal();
    const rows = 1 + random.integer(options.mostRows ?? 1);
    for (let r = 0; r < rows; r++) {
      patientIndex.push(patient);
      for (const share of prevalence) {
        const isKnown = random.uniform() >= (options.unknown ?? 0);
        const positive = random.uniform() < Math.min(1, share * Math.exp(inclination - 0.5));
        known.push(isKnown ? 1 : 0);
        targets.push(isKnown && positive ? 1 : 0);
      }
    }
  }
  return {
    size: patientIndex.length,
    ids: patientIndex.map((_, row) => `row${row}`),
    patients: patientIndex.map((patient) => `patient${patient}`),
    patientIndex: Int32Array.from(patientIndex),
    labels: prevalence.map((_, l) => `label${l}`),
    targets: Float32Array.from(targets),
    known: Uint8Array.from(known),
  };
}

function requireSound(cohort: SplitSource, split: Split): void {
  const rows = splitParts.flatMap((part) => [...split[part]]);
  assert.deepEqual(
    rows.sort((a, b) => a - b),
    Array.from({ length: cohort.size }, (_, row) => row),
    'every row is in one part',
  );
  const partOf = new Map<number, string>();
  for (const part of splitParts) {
    assert.deepEqual(
      [...split[part]].sort((a, b) => a - b),
      [...split[part]],
      'rows ascend',
    );
    for (const row of split[part]) {
      const patient = cohort.patientIndex[row];
      assert.equal(partOf.get(patient) ?? part, part, `patient ${patient} in two parts`);
      partOf.set(patient, part);
    }
  }
}

const anyCohort = fc
  .record({
    patients: fc.integer({ min: 40, max: 120 }),
    prevalence: fc.array(fc.double({ min: 0.2, max: 0.7, noNaN: true }), { minLength: 1, maxLength: 5 }),
    seed: fc.integer(),
    mostRows: fc.integer({ min: 1, max: 6 }),
    unknown: fc.double({ min: 0, max: 0.4, noNaN: true }),
  })
  .map(({ patients, prevalence, ...options }) => cohortOf(patients, prevalence, options))
  .filter((cohort) =>
    cohort.labels.every((_, l) => [0, 1].every((value) => patientsWith(cohort, l, value) >= 10)),
  );

/** Patients with a row in which a label is recorded with the given value: fewer than parts cannot be split. */
function patientsWith(
  { patientIndex, labels, known, targets }: SplitSource,
  l: number,
  value: number,
): number {
  const cell = (row: number) => row * labels.length + l;
  return new Set(patientIndex.filter((_, row) => known[cell(row)] === 1 && targets[cell(row)] === value))
    .size;
}

test('hold-out: rows are dealt out whole, no patient is in two parts, same seed same split', () => {
  fc.assert(
    fc.property(anyCohort, fc.integer(), (cohort, seed) => {
      const options = { test: 0.25, validation: 0.2, seed };
      const split = holdOut(cohort, options);
      requireSound(cohort, split);
      assert.deepEqual(holdOut(cohort, options), split);
      assert.deepEqual(holdOut(cohort, { ...options, validation: 0.4 }).test, split.test);
    }),
    { numRuns: 60 },
  );
});

test('k-fold: each repeat tests every row once, and repeats differ', () => {
  fc.assert(
    fc.property(anyCohort, fc.integer({ min: 2, max: 5 }), fc.integer(), (cohort, folds, seed) => {
      const options = { folds, repeats: 2, validation: 0.25, seed };
      const splits = kFold(cohort, options);
      assert.equal(splits.length, folds * 2);
      for (const split of splits) requireSound(cohort, split);
      for (const repeat of [0, 1]) {
        const tested = splits
          .filter((split) => split.repeat === repeat)
          .flatMap(({ test: rows }) => [...rows]);
        assert.deepEqual(
          tested.sort((a, b) => a - b),
          Array.from({ length: cohort.size }, (_, row) => row),
        );
      }
      assert.notDeepEqual(splits[0].test, splits[folds].test);
      assert.deepEqual(kFold(cohort, options), splits);
    }),
    { numRuns: 30 },
  );
});

test('prevalence in the parts is close to that of the whole, and closer than a random deal', () => {
  const prevalence = [0.02, 0.05, 0.1, 0.3, 0.8];
  let stratified = 0;
  let random = 0;
  for (let seed = 0; seed < 20; seed++) {
    const cohort = cohortOf(800, prevalence, { seed, mostRows: 4 });
    const deviation = (rows: Int32Array): number[] =>
      prevalence.map((_, l) => {
        const positives = (of: Int32Array) =>
          of.reduce((sum, row) => sum + cohort.targets[row * prevalence.length + l], 0);
        const all = Int32Array.from({ length: cohort.size }, (_, row) => row);
        return Math.abs(positives(rows) - (positives(all) * rows.length) / cohort.size);
      });
    const split = holdOut(cohort, { test: 0.2, validation: 0.15, seed });
    assert.ok(
      Math.abs(split.test.length / cohort.size - 0.2) < 0.01,
      `${split.test.length} of ${cohort.size}`,
    );
    for (const part of splitParts) {
      for (const rows of deviation(split[part])) assert.ok(rows <= 6, `${rows} positives too many or few`);
    }
    stratified += Math.max(...deviation(split.test));
    const patients = randomStream(seed).shuffle(Array.from({ length: 800 }, (_, p) => p));
    const chosen = new Set(patients.slice(0, 160));
    const rows = Array.from({ length: cohort.size }, (_, row) => row);
    random += Math.max(
      ...deviation(Int32Array.from(rows.filter((row) => chosen.has(cohort.patientIndex[row])))),
    );
  }
  assert.ok(stratified < random / 4, `mean largest deviation ${stratified / 20} against ${random / 20}`);
});

test('rare labels reach every fold when there are enough positive patients', () => {
  const cohort = cohortOf(500, [0.02, 0.3], { seed: 3 });
  const positives = cohort.targets.filter((value, i) => i % 2 === 0 && value === 1).length;
  assert.ok(positives >= 5 && positives < 15, `${positives} positives make the case`);
  for (const split of kFold(cohort, { folds: 5, validation: 0.2, seed: 1 })) {
    const found = summarizeSplit(cohort, split).test.labels.label0.positives;
    assert.ok(found === Math.floor(positives / 5) || found === Math.ceil(positives / 5), `${found}`);
  }
});

/** Figure 1 of Sechidis et al. 2011 word by word, on single-row patients. */
function literalStratification(
  { rows, counts, strata }: PatientStrata,
  ratios: readonly number[],
  random: Random,
): number[] {
  const D = random.shuffle(Array.from(rows.keys()));
  const S = new Array<number>(rows.length).fill(-1);
  const c = ratios.map((r) => rows.length * r);
  const ci = Array.from({ length: strata }, (_, i) => {
    const Di = Array.from(rows.keys()).filter((x) => counts[x * strata + i] === 1);
    return ratios.map((r) => Di.length * r);
  });
  while (D.length > 0) {
    const Di = Array.from({ length: strata }, (_, i) => D.filter((x) => counts[x * strata + i] === 1));
    const sizes = Di.map((examples) => (examples.length === 0 ? Number.POSITIVE_INFINITY : examples.length));
    const l = sizes.indexOf(Math.min(...sizes));
    const examples = Di.every((set) => set.length === 0) ? [...D] : Di[l];
    const wanted = examples.length === D.length && Di.every((set) => set.length === 0) ? c : ci[l];
    for (const x of examples) {
      let M = wanted.map((_, j) => j).filter((j) => wanted[j] === Math.max(...wanted));
      if (M.length > 1) {
        const most = Math.max(...M.map((j) => c[j]));
        M = M.filter((j) => c[j] === most);
      }
      const m = M.length === 1 ? M[0] : M[random.integer(M.length)];
      S[x] = m;
      D.splice(D.indexOf(x), 1);
      c[m]--;
      for (let i = 0; i < strata; i++) if (counts[x * strata + i] === 1) ci[i][m]--;
    }
  }
  return S;
}

test('dealPatients is the published algorithm when every patient has one row', () => {
  const strata = fc.integer({ min: 1, max: 4 });
  const ratios = fc.constantFrom([0.5, 0.5], [0.75, 0.25], [0.25, 0.25, 0.25, 0.25]);
  fc.assert(
    fc.property(strata, fc.integer({ min: 1, max: 40 }), ratios, fc.integer(), (S, P, shares, seed) => {
      const fill = randomStream(seed, 'labels');
      const counts = Float64Array.from({ length: P * S }, () => (fill.uniform() < 0.3 ? 1 : 0));
      const patients = { rows: new Float64Array(P).fill(1), counts, strata: S };
      assert.deepEqual(
        [...dealPatients(patients, shares, randomStream(seed))],
        literalStratification(patients, shares, randomStream(seed)),
      );
    }),
  );
});

test('impossible splits are refused with the part, the label and the remedy', () => {
  const options = { test: 0.3, validation: 0.3, seed: 1 };
  const refused = (act: () => unknown, code: string, message: RegExp) =>
    assert.throws(act, (error: unknown) => {
      assert.ok(error instanceof DataError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  const few = cohortOf(4, [0.5], { mostRows: 5 });
  refused(
    () => kFold(few, { folds: 5, validation: 0.2, seed: 1 }),
    'too-few-patients',
    /at least 5 .* got 4/,
  );
  refused(() => holdOut(cohortOf(2, []), options), 'too-few-patients', /at least 3/);
  refused(
    () => holdOut(cohortOf(30, [0.5, 0]), options),
    'one-class-label',
    /label "label1" .* training part, got 0 positives and \d+ negatives.*column "label1"/,
  );
  refused(() => holdOut(cohortOf(30, [0.5], { unknown: 1 }), options), 'one-class-label', /0 negatives/);
  assert.throws(() => holdOut(few, { ...options, test: 20 }), ConfigError);
  assert.throws(() => holdOut(few, { ...options, validation: 0 }), ConfigError);
  assert.throws(() => kFold(few, { folds: 1.5, validation: 0.2, seed: 1 }), ConfigError);
});

test('a label with one class in the test part is noted, not refused', () => {
  const cohort = cohortOf(40, [0.5, 0]);
  cohort.targets[1] = 1;
  const split = holdOut(cohort, { test: 0.2, validation: 0.2, seed: 1 });
  const parts = split.notes.map(({ code, message }) => [code, message.match(/label1.*the (\w+) part/)?.[1]]);
  assert.deepEqual(parts, [
    ['one-class-part', 'validation'],
    ['one-class-part', 'test'],
  ]);
});

test('lists decide the test part; validation is carved from the patients that remain', async (t) => {
  const cohort = cohortOf(60, [0.4], { mostRows: 3, seed: 2 });
  const idsOf = (accept: (patient: number) => boolean) =>
    cohort.ids.filter((_, row) => accept(cohort.patientIndex[row])).join('\r\n');
  const folder = scratchFolder(t, {
    'test.txt': `${idsOf((p) => p < 15)}\n\nelsewhere\n`,
    'validation.txt': idsOf((p) => p >= 15 && p < 25),
    'train.txt': idsOf((p) => p >= 30),
  });
  const at = (name: string) => join(folder, name);
  const split = await fromLists(cohort, { test: at('test.txt'), validation: 0.2, seed: 1 });
  requireSound(cohort, split);
  assert.ok(split.test.every((row) => cohort.patientIndex[row] < 15));
  assert.ok(split.train.every((row) => cohort.patientIndex[row] >= 15));
  assert.deepEqual(
    split.notes.map(({ code, count }) => [code, count]),
    [['ids-not-in-cohort', 1]],
  );
  const lists = { test: at('test.txt'), train: at('train.txt'), validation: at('validation.txt'), seed: 1 };
  const listed = await fromLists(cohort, lists);
  const left = listed.notes.find(({ code }) => code === 'rows-in-no-list');
  assert.equal(left?.count, cohort.patientIndex.filter((p) => p >= 25 && p < 30).length);
  assert.ok(listed.train.every((row) => cohort.patientIndex[row] >= 30));
});

test('lists that put a patient in two parts, or name nobody, are refused', async (t) => {
  const cohort = { ...cohortOf(6, [0.5]), patientIndex: Int32Array.of(0, 0, 1, 2, 3, 4) };
  const folder = scratchFolder(t, {
    'half.txt': 'row0\nrow3\n',
    'whole.txt': 'row0\nrow1\n',
    'again.txt': 'row2\nrow1\n',
    'other.txt': 'a.png\n',
  });
  const refused = (test: string, train: string | undefined, code: string, message: RegExp) =>
    assert.rejects(
      fromLists(cohort, {
        test: join(folder, test),
        train: train === undefined ? undefined : join(folder, train),
        validation: 0.3,
        seed: 1,
      }),
      (error: unknown) => {
        assert.ok(error instanceof DataError, String(error));
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      },
    );
  await refused(
    'half.txt',
    undefined,
    'patient-in-two-parts',
    /"row0" in train and in test.*half\.txt, line 1/,
  );
  await refused(
    'whole.txt',
    'again.txt',
    'patient-in-two-parts',
    /"row1" in train and in test.*whole\.txt, line 2/,
  );
  await refused('other.txt', undefined, 'list-without-rows', /"a\.png".*data\.id.*other\.txt/);
  await refused('none.txt', undefined, 'unreadable-list', /ENOENT.*none\.txt/);
});
