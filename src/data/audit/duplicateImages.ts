/** One photograph under two patients: the same picture saved anew, scaled or brightened. */
import type { Cohort } from '../cohort.js';
import type { ImageStore } from '../image-store.js';
import { resizePixels } from '../resize.js';
import { type Finding, makeFinding } from './finding.js';
import { differenceHash, eachNearPair, grey, HASH_WORDS } from './imageHash.js';
import { apart, type Parts } from './parts.js';

/** Of 256 bits; what is nearer is compared pixel by pixel. */
const HASH_DISTANCE = 15;
/** Correlation of two pictures, 32 pixels wide, from which they are one. */
const SAME_PICTURE = 0.995;
const COMPARED_SIDE = 32;

/** Finding `duplicate-images`: near-identical pictures of different patients; those of one patient are no leak. */
export function findDuplicateImages(cohort: Cohort, images: ImageStore, parts: Parts): Finding[] {
  const { patientIndex, lines } = cohort;
  const owner = new Map<string, number>();
  cohort.visits.forEach((visits, row) => {
    for (const visit of visits) if (visit.row === row && !owner.has(visit.path)) owner.set(visit.path, row);
  });
  const paths = [...owner.keys()].filter((path) => images.has(path));
  const rows = paths.map((path) => owner.get(path)!);
  const { size, channels } = images.format;
  const buffer = new Float32Array(images.length);
  const hashes = new Uint32Array(paths.length * HASH_WORDS);
  paths.forEach((path, i) => {
    images.read(path, buffer);
    hashes.set(differenceHash(buffer, channels, size), i * HASH_WORDS);
  });
  const thumbnail = (path: string): Float32Array => {
    images.read(path, buffer);
    const side = Math.min(COMPARED_SIDE, size);
    return standardise(resizePixels(grey(buffer, channels, size), [size, size, 1], [side, side]));
  };
  const found = new Set<number>();
  let pairs = 0;
  let straddling = 0;
  eachNearPair(hashes, HASH_DISTANCE, (a, b) => {
    if (patientIndex[rows[a]] === patientIndex[rows[b]]) return;
    if (correlation(thumbnail(paths[a]), thumbnail(paths[b])) < SAME_PICTURE) return;
    pairs++;
    if (apart(parts, rows[a], rows[b])) straddling++;
    found.add(rows[a]).add(rows[b]);
  });
  if (pairs === 0) return [];
  return [
    makeFinding('duplicate-images', straddling > 0 ? 'serious' : 'warning', '', {
      message:
        `rows of different patients show nearly the same picture: ${pairs} ${pairs === 1 ? 'pair' : 'pairs'}` +
        `${straddling > 0 ? `, ${straddling} of them in two parts of a split` : ''}`,
      count: found.size,
      lines: Array.from(found, (row) => lines[row]),
      remedy:
        'look at these rows; where two are one patient, give both the same patient id, or leave one out',
    }),
  ];
}

/** Mean 0 and norm 1; all zeros for a flat picture. */
function standardise(values: Float32Array): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const norm = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0));
  return values.map((value) => (norm < 1e-6 ? 0 : (value - mean) / norm));
}

function correlation(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
