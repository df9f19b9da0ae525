/** A cohort of six rows and a store of made-up images, for tests of what lies between a table and the network. */
import type { Cohort, ImageStore, Visit } from '../../src/data/index.js';

/** Small colour pictures. */
export const format = { size: 8, channels: 3, fit: 'letterbox', contrast: 'recorded' } as const;
export const pixels = format.channels * format.size ** 2;

/** Fresh arrays at every call, so that a test may change them. */
export function sampleCohort() {
  const visit = (path: string, slot: number, view: string | null, timeOffset = 0): Visit => ({
    path,
    slot,
    view,
    timeOffset,
    row: 0,
  });
  return {
    size: 6,
    ids: ['a', 'b', 'c', 'd', 'e', 'f'],
    patients: ['1', '2', '3', '4', '5', '6'],
    patientIndex: Int32Array.of(0, 1, 2, 3, 4, 5),
    lines: Int32Array.of(2, 3, 4, 5, 6, 7),
    order: null,
    labels: ['l'],
    targets: Float32Array.of(1, 0, 1, 0, 1, 0),
    known: Uint8Array.of(1, 1, 1, 1, 1, 1),
    numeric: [
      { name: 'age', kind: 'numeric' as const, values: Float64Array.of(50, 60, Number.NaN, 64, 70, 1e9) },
      {
        name: 'steady',
        kind: 'numeric' as const,
        values: Float64Array.of(0.1, 0.1, 0.1, Number.NaN, 0.1, 0.3),
      },
      { name: 'unknown', kind: 'numeric' as const, values: new Float64Array(6).fill(Number.NaN) },
    ],
    categorical: [
      { name: 'sex', values: ['m', 'f', null, 'm', 'x', 'y'] as (string | null)[] },
      { name: 'ward', values: ['w', 'w', 'w', 'w', 'w', 'w'] as (string | null)[] },
    ],
    text: [
      {
        name: 'note',
        values: ['cough cough', 'fever', null, 'cough fever', 'rash rash', null] as (string | null)[],
      },
    ],
    // Slots: view 0, view 1, and the same two of the earlier visit.
    visits: [
      [visit('p1', 0, 'PA'), visit('p2', 1, 'AP'), visit('p3', 2, 'PA', -4)],
      [visit('p2', 1, null)],
      [],
      [visit('p3', 0, 'AP'), visit('p1', 3, 'PA', -2)],
      [visit('p4', 0, 'lateral'), visit('p1', 2, 'PA', -8)],
      [visit('p1', 0, 'PA')],
    ] as Visit[][],
    slots: 4,
    notes: [],
  } satisfies Cohort;
}

/** Rows 0 to 3. */
export const trainingRows = Int32Array.of(0, 1, 2, 3);

/** Sample `i` of an image; multiples of 1/255 of a smooth picture, other in every image and channel. */
export function sample(path: string, i: number): number {
  const number = Number(path.slice(1));
  return Math.round(127 + 100 * Math.sin(number + 0.05 * i * (1 + (number % 3)))) / 255;
}

/** A store that holds every image, and counts what is read. */
export function sampleImages(value: (path: string, i: number) => number = sample): ImageStore & {
  readonly reads: string[];
} {
  const reads: string[] = [];
  return {
    reads,
    format,
    length: pixels,
    has: () => true,
    prepare: async () => ({ decoded: 0, reused: 0, failed: [], damaged: [] }),
    stored: (path) => {
      const samples = new Uint8Array(new SharedArrayBuffer(pixels));
      for (let i = 0; i < pixels; i++) samples[i] = Math.round(value(path, i) * 255);
      return samples;
    },
    read: (path, into, offset = 0) => {
      reads.push(path);
      for (let i = 0; i < pixels; i++) into[offset + i] = value(path, i);
    },
  };
}
