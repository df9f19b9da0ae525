/**
 * Free-text notes of the generated study: symptoms that are present are written in one of several wordings,
 * absent ones are sometimes denied, and everyday sentences fill the rest. No label, finding or diagnosis word
 * occurs, so a text model has to weigh symptoms.
 */
import type { Random } from '../../random/index.js';

/** One symptom. `{n}` in a sentence stands for a number in `range`, `{t}` for a body temperature in °C. */
interface Symptom {
  readonly name: string;
  /** Rate in visits without any label. */
  readonly rate: number;
  readonly range?: readonly [number, number];
  readonly present: readonly string[];
  readonly absent: readonly string[];
}

export const symptoms: readonly Symptom[] = [
  {
    name: 'fever',
    rate: 0.28,
    range: [2, 6],
    present: [
      'Temp {t} °C for {n} days.',
      'Feverish at home, measured {t} °C.',
      'Shivering fits, {t} °C this morning.',
      'Febrile since {n} days.',
    ],
    absent: ['No fever.', 'Afebrile.', 'Denies chills or raised temperature.'],
  },
  {
    name: 'productive cough',
    rate: 0.28,
    present: [
      'Coughs up yellow phlegm.',
      'Productive cough, greenish.',
      'Brings up thick sputum in the mornings.',
      'Chesty cough with purulent sputum.',
    ],
    absent: ['No sputum.', 'Denies bringing up phlegm.'],
  },
  {
    name: 'dry cough',
    rate: 0.24,
    range: [3, 14],
    present: [
      'Hacking dry cough for {n} months.',
      'Tickly cough, nothing comes up, {n} months now.',
      'Irritating non-productive cough.',
      'Persistent cough without phlegm.',
    ],
    absent: ['No chronic cough.', 'Denies a lasting dry cough.'],
  },
  {
    name: 'pleuritic pain',
    rate: 0.2,
    present: [
      'Sharp pain on breathing in.',
      'Chest hurts when taking a deep breath.',
      'Stabbing pain at the side, worse on inspiration.',
    ],
    absent: ['No chest pain.', 'Breathing in does not hurt.'],
  },
  {
    name: 'orthopnoea',
    rate: 0.3,
    range: [2, 4],
    present: [
      'Sleeps on {n} pillows.',
      'Cannot lie flat at night.',
      'Wakes up gasping, has to sit up.',
      'Orthopnoea, sleeps in the armchair.',
    ],
    absent: ['Lies flat without trouble.', 'No orthopnoea.'],
  },
  {
    name: 'ankle swelling',
    rate: 0.3,
    range: [2, 6],
    present: [
      'Swollen ankles in the evening.',
      'Pitting oedema of both shins.',
      'Shoes too tight, legs puffy, gained {n} kg.',
      'Bilateral leg swelling.',
    ],
    absent: ['No oedema.', 'Legs slim.'],
  },
  {
    name: 'palpitations',
    rate: 0.2,
    present: ['Feels the heart racing.', 'Palpitations on and off.', 'Irregular pulse noticed at home.'],
    absent: ['No palpitations.', 'Pulse felt regular.'],
  },
  {
    name: 'fatigue',
    rate: 0.35,
    present: [
      'Tired all day.',
      'Feels washed out.',
      'Exhausted after light chores.',
      'Marked fatigue.',
      'No energy.',
    ],
    absent: ['Energy as usual.', 'Not unusually tired.'],
  },
  {
    name: 'clubbing',
    rate: 0.16,
    present: ['Clubbed fingers.', 'Fingertips drumstick-like.', 'Watch-glass nails.'],
    absent: ['No clubbing.', 'Nails unremarkable.'],
  },
  {
    name: 'dust',
    rate: 0.2,
    range: [8, 35],
    present: [
      'Worked as a stonemason for {n} years.',
      'Keeps pigeons.',
      '{n} years in insulation work.',
      'Long exposure to mouldy hay on the farm.',
    ],
    absent: ['Office job, no dust.', 'No birds at home.'],
  },
  {
    name: 'weight loss',
    rate: 0.18,
    range: [4, 14],
    present: [
      'Lost {n} kg without trying.',
      'Clothes have become loose.',
      'Unintended loss of {n} kg.',
      'Appetite gone, weight down.',
    ],
    absent: ['Weight stable.', 'Good appetite.'],
  },
  {
    name: 'haemoptysis',
    rate: 0.12,
    present: ['Spots of blood in the handkerchief.', 'Coughed up blood twice.', 'Haemoptysis last week.'],
    absent: ['No haemoptysis.', 'Never coughed blood.'],
  },
  {
    name: 'hoarseness',
    rate: 0.13,
    range: [3, 9],
    present: ['Voice hoarse for {n} weeks.', 'Hoarseness that does not settle.', 'Husky voice, new.'],
    absent: ['Voice clear.', 'No hoarseness.'],
  },
  {
    name: 'night sweats',
    rate: 0.15,
    present: ['Drenching sweats at night.', 'Changes pyjamas, soaked.', 'Night sweats.'],
    absent: ['No night sweats.', 'Sleeps dry.'],
  },
  {
    name: 'contact',
    rate: 0.1,
    present: [
      'Flatmate is on long antibiotic treatment for the lungs.',
      'Shared a cell with someone who coughed for months.',
      'Household contact under public health follow-up.',
      'Recently back from a crowded shelter.',
    ],
    absent: ['No sick contacts.', 'Lives alone, no travel.'],
  },
];

/** Part of the absent symptoms that a note denies in so many words. */
const denialRate = 0.22;

const fillers: readonly string[] = [
  'Came by bus.',
  'Accompanied by daughter.',
  'Medication list attached.',
  'Known to the practice for years.',
  'Asks about a certificate for work.',
  'Exam in the afternoon.',
  'Bloods taken.',
  'Film requested.',
  'Speaks in full sentences.',
  'Follow-up in two weeks.',
];

/** The note that tells of these symptoms. */
export function writeNote(random: Random, present: readonly boolean[]): string {
  const sentences: string[] = [];
  symptoms.forEach((symptom, index) => {
    if (present[index]) sentences.push(fillIn(pick(random, symptom.present), symptom, random));
    else if (random.uniform() < denialRate) sentences.push(pick(random, symptom.absent));
  });
  for (let count = random.integer(3); count > 0; count--) sentences.push(pick(random, fillers));
  if (sentences.length === 0) sentences.push(pick(random, fillers));
  const note = random.shuffle(sentences).join(' ');
  return random.uniform() < 0.15 ? note.toLowerCase() : note;
}

function fillIn(sentence: string, { range = [2, 9] }: Symptom, random: Random): string {
  const number = range[0] + random.integer(range[1] - range[0] + 1);
  const temperature = 38 + random.integer(18) / 10;
  return sentence.replace('{n}', String(number)).replace('{t}', temperature.toFixed(1));
}

function pick(random: Random, options: readonly string[]): string {
  return options[random.integer(options.length)];
}
