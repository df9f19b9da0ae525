/**
 * The generated study's labels and how each shows in the picture, the table and the note. Labels come first
 * and signs follow from them, independently given the labels, as in a naive Bayes model; so the best possible
 * prediction from any part of the record can be computed (posterior.ts) and written beside the data.
 *
 * Medicine lends the names and the directions of the effects. Their sizes are set so that one modality alone
 * reaches an AUROC of about .75 to .85 and all together about .93; they say nothing about real patients.
 */
import type { LesionKind } from './phantom.js';

/** One label of the generated study. */
export interface Condition {
  readonly label: string;
  /** Log odds of the label in a patient with none of the others. */
  readonly logOdds: number;
  readonly finding: LesionKind;
  /** Rate of the finding in visits with and without the label. */
  readonly findingRate: { readonly present: number; readonly absent: number };
  /** Shift of each measurement when the label is present, in standard deviations. */
  readonly measurements: Readonly<Partial<Record<Measurement, number>>>;
  /** Added log odds of the last level of each grading against the first, when the label is present. */
  readonly gradings: Readonly<Partial<Record<Grading, number>>>;
  /** Added log odds of each symptom, by its name in notes.ts, when the label is present. */
  readonly symptoms: Readonly<Record<string, number>>;
  /** Part of the rows whose label was never established. */
  readonly unknownRate: number;
}

export const conditions: readonly Condition[] = [
  {
    label: 'heart_failure',
    logOdds: -0.85,
    finding: 'effusion',
    findingRate: { present: 0.66, absent: 0.17 },
    measurements: { bnp: 1, age: 0.55, haemoglobin: -0.35 },
    gradings: { dyspnoea: 1.2, setting: 0.6 },
    symptoms: { orthopnoea: 1.7, 'ankle swelling': 1.5, palpitations: 0.9, fatigue: 0.6 },
    unknownRate: 0,
  },
  {
    label: 'pneumonia',
    logOdds: -1.75,
    finding: 'consolidation',
    findingRate: { present: 0.66, absent: 0.17 },
    measurements: { crp: 1, leukocytes: 0.6, spo2: -0.4 },
    gradings: { setting: 1.2, dyspnoea: 0.6 },
    symptoms: { fever: 1.7, 'productive cough': 1.6, 'pleuritic pain': 1, fatigue: 0.5 },
    unknownRate: 0,
  },
  {
    label: 'fibrosis',
    logOdds: -2.05,
    finding: 'streaks',
    findingRate: { present: 0.66, absent: 0.15 },
    measurements: { spo2: -0.85, age: 0.6 },
    gradings: { smoking: 0.9, dyspnoea: 1.2, sex: 0.7 },
    symptoms: { 'dry cough': 1.7, clubbing: 1.7, dust: 1.4, fatigue: 0.4 },
    unknownRate: 0,
  },
  {
    label: 'malignancy',
    logOdds: -2.95,
    finding: 'nodule',
    findingRate: { present: 0.68, absent: 0.18 },
    measurements: { age: 0.75, albumin: -0.75, haemoglobin: -0.45 },
    gradings: { smoking: 1.7, sex: 0.3 },
    symptoms: { 'weight loss': 1.7, haemoptysis: 1.7, hoarseness: 1.6 },
    unknownRate: 0.03,
  },
  {
    label: 'tuberculosis',
    logOdds: -3.25,
    finding: 'cavity',
    findingRate: { present: 0.68, absent: 0.1 },
    measurements: { age: -0.7, albumin: -0.9, haemoglobin: -0.5, crp: 0.4 },
    gradings: { setting: -0.6, smoking: 0.5 },
    symptoms: { 'night sweats': 1.8, contact: 1.9, 'weight loss': 0.9, haemoptysis: 0.9 },
    unknownRate: 0.08,
  },
];

/** Added log odds of two labels being present together. */
export const couplings: readonly (readonly [string, string, number])[] = [
  ['heart_failure', 'pneumonia', 0.9],
  ['heart_failure', 'fibrosis', 0.6],
  ['pneumonia', 'malignancy', 1.1],
  ['pneumonia', 'tuberculosis', 1.2],
  ['fibrosis', 'malignancy', 1.4],
];

/** How a standardised measurement becomes a cell of the table. */
interface MeasurementScale {
  /** Name of the column, with its unit. */
  readonly column: string;
  /** The value is `centre + spread · z`, or `centre · exp(spread · z)` where `logarithmic`. */
  readonly centre: number;
  readonly spread: number;
  readonly logarithmic?: true;
  readonly decimals: number;
  /** Values are held to this range. */
  readonly range: readonly [number, number];
}

/** The numeric columns. */
export const measurements = {
  age: { column: 'age_years', centre: 55, spread: 14, decimals: 1, range: [18, 100] },
  crp: { column: 'crp_mg_l', centre: 12, spread: 1.1, logarithmic: true, decimals: 1, range: [0.2, 500] },
  leukocytes: {
    column: 'leukocytes_g_l',
    centre: 7.5,
    spread: 0.33,
    logarithmic: true,
    decimals: 1,
    range: [0.5, 60],
  },
  haemoglobin: { column: 'haemoglobin_g_dl', centre: 13.8, spread: 1.5, decimals: 1, range: [4, 20] },
  albumin: { column: 'albumin_g_l', centre: 41, spread: 4.5, decimals: 0, range: [12, 60] },
  bnp: { column: 'bnp_ng_l', centre: 90, spread: 1, logarithmic: true, decimals: 0, range: [2, 9000] },
  spo2: { column: 'spo2_percent', centre: 95, spread: 2.2, decimals: 0, range: [60, 100] },
} as const satisfies Record<string, MeasurementScale>;
export type Measurement = keyof typeof measurements;

/** Columns with levels: log weight of each level without any label, from the first to the last level. */
export const gradings = {
  sex: { female: 0, male: 0.05 },
  smoking: { never: 0, former: -0.4, current: -0.5 },
  dyspnoea: { none: 0, mild: -0.3, moderate: -0.9, severe: -1.8 },
  setting: { outpatient: 0, ward: -0.7, emergency: -0.8 },
} as const satisfies Record<string, Readonly<Record<string, number>>>;
export type Grading = keyof typeof gradings;

export const measurementNames = Object.keys(measurements) as readonly Measurement[];
export const gradingNames = Object.keys(gradings) as readonly Grading[];

/** The cell of a standardised measurement. */
export function measurementCell(name: Measurement, z: number): string {
  const { centre, spread, decimals, range, ...scale }: MeasurementScale = measurements[name];
  const value = scale.logarithmic ? centre * Math.exp(spread * z) : centre + spread * z;
  return Math.min(range[1], Math.max(range[0], value)).toFixed(decimals);
}

/** Level names of a grading, from first to last. */
export function levelNames(name: Grading): readonly string[] {
  return Object.keys(gradings[name]);
}
