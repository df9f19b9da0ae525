/** Values that follow from a tensor's name, index and shape: what test/golden/torchvision/make_full.py fills models with. */
import { type Shape, size } from '../../src/graph/index.js';

/** The FNV-1a hash of a name. */
function hash(name: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193);
  return h;
}

/** [from, to): the range of a tensor's uniform values. */
function range(name: string, shape: Shape): readonly [number, number] {
  if (name.endsWith('running_mean')) return [-0.2, 0.2];
  if (name.endsWith('running_var')) return [0.5, 1.5];
  if (shape.length === 1) return name.endsWith('weight') ? [0.8, 1.2] : [-0.2, 0.2];
  if (shape.length === 3) return [-0.5, 0.5]; // tokens, positions, scales of residual branches
  // A variance of 2 / fan-in for kernels, which ReLU halves, and of 1 / fan-in for matrices.
  const limit = Math.sqrt((shape.length === 4 ? 6 : 3) / size(shape.slice(1)));
  return [-limit, limit];
}

/**
 * The values of a parameter, buffer, input or direction: numbers in [0, 1) on a grid of 2⁻²⁴ (murmur3's finaliser of
 * the name's hash plus a Weyl sequence), laid into the tensor's range.
 */
export function portableValues(name: string, shape: Shape): Float32Array {
  const start = hash(name);
  const [low, high] = range(name, shape);
  const values = new Float32Array(size(shape));
  for (let i = 0; i < values.length; i++) {
    let h = start + Math.imul(i, 0x9e3779b9);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    values[i] = low + (high - low) * (((h ^ (h >>> 16)) >>> 8) / 2 ** 24);
  }
  return values;
}
