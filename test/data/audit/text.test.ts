import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namePhrases } from '../../../src/data/audit/labelWords.js';
import { auditCohort } from '../../../src/data/index.js';
import { randomStream } from '../../../src/random/index.js';
import { maskWords } from '../../../src/study/index.js';
import { cohortOf, drawn } from './sampleTables.js';

const n = 500;
const ill = drawn(n, 1, (random) => (random.uniform() < 0.3 ? 1 : 0));
/** A note that holds a phrase at these rates with and without the label, among symptoms that speak for it. */
function notes(phrase: string, present: number, absent: number): string[] {
  const random = randomStream(2, phrase);
  return Array.from(ill, (label) => {
    const said = random.uniform() < (label ? present : absent) ? `Seen: ${phrase}.` : '';
    const fever = random.uniform() < (label ? 0.75 : 0.2) ? 'Fever.' : 'Well.';
    return `Came by bus. ${fever} ${said} Room ${random.integer(400)}.`;
  });
}
const cohort = (label: string, text: readonly (string | null)[]) =>
  cohortOf({ labels: { [label]: ill }, text: { notes: text } });
const found = (label: string, text: readonly (string | null)[], names: readonly string[] = []) =>
  auditCohort({ cohort: cohort(label, text), splits: [], labelNames: { [label]: names } })
    .filter(({ severity, code }) => severity === 'serious' || code === 'label-words')
    .map(({ severity, key }) => `${severity} ${key}`);

test('a label named in its notes is serious, named everywhere a warning, named nowhere nothing', () => {
  const naming = notes('Heart-Failure confirmed', 0.3, 0.02);
  assert.deepEqual(found('heart_failure', naming), ['serious label-words:notes>heart_failure']);
  assert.deepEqual(found('HF', naming, ['heart failure']), ['serious label-words:notes>HF']);
  assert.deepEqual(found('heart_failure', notes('heart failure clinic', 0.4, 0.4)), [
    'warning label-words:notes>heart_failure',
  ]);
  assert.deepEqual(found('heart_failure', notes('the heart is racing', 0.6, 0.2)), []);
  assert.deepEqual(found('N', notes('nothing', 0.3, 0.02)), [], 'a code of one letter is no word');
});

test('a symptom is no giveaway, a synonym of the diagnosis is, and a rare one is not printed', () => {
  assert.deepEqual(found('ill', notes('haemoptysis', 0.6, 0.12)), []);
  assert.deepEqual(found('ill', notes('bronchogenic', 0.7, 0.003)), ['serious giveaway-words:notes>ill']);
  const random = randomStream(4, 'names');
  const named = Array.from(ill, (label) => (label ? `Mr Qwerty${random.integer(60)}` : 'nobody'));
  assert.ok(!/qwerty/i.test(JSON.stringify(auditCohort({ cohort: cohort('ill', named), splits: [] }))));
});

test('masking the words that a finding suggests silences it', () => {
  for (const [label, phrase] of [
    ['COVID-19', 'covid 19 pneumonitis'],
    ['COVID-19', 'post-COVID state'],
    ['heart_failure', 'HEART FAILURE'],
    ['ill', 'bronchogenic'],
  ]) {
    const named = cohort(label, notes(phrase, 0.8, 0.002));
    const serious = (of: typeof named) =>
      auditCohort({ cohort: of, splits: [] }).filter(({ severity }) => severity === 'serious');
    assert.ok(serious(named).length > 0, phrase);
    const words = serious(named).flatMap(
      ({ remedy }) => JSON.parse(remedy.slice(remedy.indexOf('['))) as string[],
    );
    assert.deepEqual(serious(maskWords(named, words)), [], `${phrase}: ${words}`);
  }
});

test('spellings of names', () => {
  assert.deepEqual(namePhrases(['COVID-19']), ['covid-19', 'covid 19', 'covid']);
  assert.deepEqual(namePhrases(['heart_failure']), ['heart_failure', 'heart failure', 'heart-failure']);
  assert.deepEqual(namePhrases(['N', 'Normal']), ['normal']);
});
