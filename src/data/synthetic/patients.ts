/**
 * Draws the generated study's patients and visits: their labels, then the signs of these, then what of it was
 * recorded. Which cells are empty depends on cells that never are (setting, age), so emptiness is far from random
 * and yet a model that reads those cells is not misled by it.
 */
import { type Random, randomStream } from '../../random/index.js';
import { conditions, type Grading, gradingNames, type Measurement, measurementNames } from './conditions.js';
import { symptoms, writeNote } from './notes.js';
import {
  type Anatomy,
  drawAnatomy,
  drawExposure,
  type Exposure,
  type Lesion,
  type LesionKind,
} from './phantom.js';
import {
  holds,
  levelProbabilities,
  measurementMean,
  patternWeights,
  severityQuantile,
  symptomProbability,
} from './posterior.js';

/** One visit: a row of the table. */
export interface SyntheticVisit {
  readonly id: string;
  readonly patient: string;
  /** 1, 2, …: the visit's place in the patient's history. */
  readonly number: number;
  /** Bit set of the true labels, over `conditions`. */
  readonly pattern: number;
  /** Standardised measurements. */
  readonly z: Readonly<Record<Measurement, number>>;
  /** Index into the grading's levels. */
  readonly levels: Readonly<Record<Grading, number>>;
  /** By index into `symptoms`. */
  readonly symptoms: readonly boolean[];
  readonly note: string;
  readonly anatomy: Anatomy;
  readonly exposure: Exposure;
  /** By index into `conditions`; null where the finding does not show. */
  readonly findings: readonly (Finding | null)[];
  /** Columns whose cells are empty at this visit. */
  readonly missing: ReadonlySet<string>;
}

/** A finding in the image: one or more lesions of one severity. */
export interface Finding {
  readonly severity: number;
  readonly lesions: readonly Lesion[];
}

/** Part of the patients seen more than once, and part of the visits that keep the labels of the visit before. */
const returnRate = 0.22;
const stayRate = 0.7;
/** Correlation of a measurement with itself at the visit before, labels being equal. */
const persistence = 0.7;

/** Columns of one blood tube, and the part of visits of each setting (in its order) that lack them. */
const panels: readonly { readonly columns: readonly string[]; readonly rates: readonly number[] }[] = [
  { columns: ['crp'], rates: [0.3, 0.08, 0.04] },
  { columns: ['leukocytes', 'haemoglobin'], rates: [0.18, 0.04, 0.03] },
  { columns: ['albumin'], rates: [0.4, 0.12, 0.25] },
  { columns: ['bnp'], rates: [0.5, 0.25, 0.15] },
  { columns: ['spo2'], rates: [0.2, 0.03, 0.01] },
  { columns: ['dyspnoea'], rates: [0.1, 0.06, 0.15] },
  { columns: ['notes'], rates: [0.04, 0.08, 0.14] },
  { columns: ['image'], rates: [0.06, 0.03, 0.02] },
];

/**
 * The visits of a number of patients, patient by patient, in order.
 * @param missing multiplies every rate of empty cells; 0 = complete records
 */
export function drawPatients(seed: number, patients: number, missing: number): SyntheticVisit[] {
  const digits = Math.max(4, String(patients).length);
  return Array.from({ length: patients }, (_, index) =>
    drawPatient(`P${String(index + 1).padStart(digits, '0')}`, seed, index, missing),
  ).flat();
}

function drawPatient(patient: string, seed: number, index: number, missing: number): SyntheticVisit[] {
  const random = randomStream(seed, 'synthetic', 'patient', index);
  const anatomy = drawAnatomy(randomStream(seed, 'synthetic', 'anatomy', index));
  const asked = random.uniform();
  const count = random.uniform() < returnRate ? 2 + random.integer(2) : 1;
  const visits: SyntheticVisit[] = [];
  for (let number = 1; number <= count; number++) {
    const before = visits.at(-1) ?? null;
    const keeps = before !== null && random.uniform() < stayRate;
    const pattern = keeps ? before.pattern : drawIndex(random, patternWeights);
    const z = drawMeasurements(random, pattern, before);
    const levels = drawLevels(random, pattern, before);
    const present = symptoms.map((_, at) => random.uniform() < symptomProbability(pattern, at));
    visits.push({
      id: `${patient}-${number}`,
      patient,
      number,
      pattern,
      z,
      levels,
      symptoms: present,
      note: writeNote(random, present),
      anatomy,
      exposure: drawExposure(random, randomStream(seed, 'synthetic', 'noise', index, number)),
      findings: conditions.map((_, label) => {
        const same = before !== null && holds(pattern, label) === holds(before.pattern, label);
        const fresh = drawFinding(random, label, holds(pattern, label));
        return same ? before.findings[label] : fresh;
      }),
      missing: drawMissing(random, levels, z, asked, missing),
    });
  }
  return visits;
}

function drawMeasurements(
  random: Random,
  pattern: number,
  before: SyntheticVisit | null,
): Record<Measurement, number> {
  const z = {} as Record<Measurement, number>;
  for (const name of measurementNames) {
    const mean = measurementMean(pattern, name);
    const fresh = random.normal();
    if (before === null) z[name] = mean + fresh;
    else if (name === 'age') z[name] = before.z.age + 0.04 + 0.1 * random.uniform();
    else {
      const deviation = before.z[name] - measurementMean(before.pattern, name);
      z[name] = mean + persistence * deviation + Math.sqrt(1 - persistence ** 2) * fresh;
    }
  }
  return z;
}

function drawLevels(random: Random, pattern: number, before: SyntheticVisit | null): Record<Grading, number> {
  const levels = {} as Record<Grading, number>;
  for (const name of gradingNames) {
    const fresh = drawIndex(random, levelProbabilities(pattern, name));
    const lasting = name === 'sex' || name === 'smoking';
    levels[name] = lasting && before !== null ? before.levels[name] : fresh;
  }
  return levels;
}

function drawFinding(random: Random, label: number, present: boolean): Finding | null {
  const { finding, findingRate } = conditions[label];
  const shown = random.uniform() < (present ? findingRate.present : findingRate.absent);
  const severity = severityQuantile(present, random.uniform());
  const several = finding === 'nodule' || finding === 'streaks';
  const count = several ? 1 + random.integer(2) : 1;
  const first = random.uniform() < 0.55 ? -1 : 1;
  const lesions = Array.from({ length: count }, (_, at): Lesion => {
    const side = at === 0 ? first : first === 1 ? -1 : 1; // a second one lies in the other lung
    return { kind: finding, severity, side, ...drawPlace(random, finding, side) };
  });
  return shown ? { severity, lesions } : null;
}

/** Top and bottom of the lung zone in which each kind lies, as `Lesion.down`. */
const zones: Readonly<Record<LesionKind, readonly [number, number]>> = {
  consolidation: [-0.4, 0.45],
  effusion: [0.8, 0.8],
  nodule: [-0.6, 0.45],
  cavity: [-0.6, -0.2],
  streaks: [0, 0.4],
};

function drawPlace(
  random: Random,
  kind: LesionKind,
  side: -1 | 1,
): Pick<Lesion, 'across' | 'down' | 'shape'> {
  const [top, bottom] = zones[kind];
  const down = top + (bottom - top) * random.uniform();
  const offset = random.uniform() - 0.5;
  // Beside the heart only the outer part of the lung is seen.
  const across = side === 1 && down > -0.1 ? 0.45 + 0.3 * offset : 0.1 * side + 0.7 * offset;
  return { across, down, shape: 2 * Math.PI * random.uniform() };
}

function drawMissing(
  random: Random,
  levels: Readonly<Record<Grading, number>>,
  z: Readonly<Record<Measurement, number>>,
  asked: number,
  multiplier: number,
): Set<string> {
  const missing = new Set<string>();
  const lose = (columns: readonly string[], rate: number, chance: number) => {
    if (chance < rate * multiplier) for (const column of columns) missing.add(column);
  };
  for (const { columns, rates } of panels) lose(columns, rates[levels.setting], random.uniform());
  // The old are asked less about smoking; who was not asked once was not asked later either.
  lose(['smoking'], z.age > 0.8 ? 0.22 : 0.08, asked);
  for (const { label, unknownRate } of conditions) lose([label], unknownRate, random.uniform());
  return missing;
}

/** An index drawn in proportion to non-negative weights. */
function drawIndex(random: Random, weights: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i];
  let left = random.uniform() * total;
  for (let i = 0; i < weights.length - 1; i++) {
    left -= weights[i];
    if (left < 0) return i;
  }
  return weights.length - 1;
}
