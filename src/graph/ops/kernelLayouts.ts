/**
 * Kernels as convolutions and their adjoints want them. They are laid out inside the graph, so that they may change at every
 * step. ONNX Runtime transposes fast where a single axis moves, so each layout goes in such steps.
 */
import type { Emitter } from '../op.js';
import { moved, shaped } from './views.js';

const mirrored = (onnx: Emitter, x: string, axis: number) =>
  onnx.node('Slice', [x, ...[[-1], [-(2 ** 31)], [axis], [-1]].map((values) => onnx.int64(values))])[0];

/** Weights [out, in, kh, kw] as [out / B, in, kh, kw, B]: as the blocked convolution wants them for a plain image. */
export function blockedRows(onnx: Emitter, w: string, shape: readonly number[], block: number): string {
  const [out, inner, kh, kw] = shape;
  return shaped(onnx, moved(onnx, shaped(onnx, w, [out / block, block, inner * kh * kw]), [0, 2, 1]), shape);
}

/** Weights [out, in, kh, kw] as the blocked convolution wants them. */
export function blockedWeights(onnx: Emitter, w: string, shape: readonly number[], block: number): string {
  const [out, inner, kh, kw] = shape;
  const taps = kh * kw;
  const rows = blockedRows(onnx, w, shape, block);
  if (taps === 1) return rows;
  const tiles = shaped(onnx, rows, [(out * inner) / (block * block), block, taps, block]);
  return shaped(onnx, moved(onnx, tiles, [0, 2, 1, 3]), shape);
}

/** The same for the adjoint: rows and columns of the kernel reversed, in and out exchanged. */
export function blockedAdjointWeights(
  onnx: Emitter,
  w: string,
  shape: readonly number[],
  block: number,
): string {
  const [out, inner, kh, kw] = shape;
  const taps = kh * kw;
  const byTap = () => moved(onnx, shaped(onnx, w, [out / block, block * inner, taps]), [0, 2, 1]);
  const turned = shaped(onnx, taps === 1 ? w : mirrored(onnx, byTap(), 1), [
    taps * out,
    inner / block,
    block,
  ]);
  return shaped(onnx, moved(onnx, turned, [1, 0, 2]), [inner, out, kh, kw]);
}

/** Weights [out, in / groups, kh, kw] of the adjoint convolution, [in, out / groups, kh, kw]. */
export function adjointWeights(onnx: Emitter, w: string, shape: readonly number[], groups: number): string {
  const [out, inner, kh, kw] = shape;
  const taps = kh * kw;
  if (taps === 1 && groups === 1) return moved(onnx, w, [1, 0, 2, 3]);
  const flat = shaped(onnx, w, [groups, out / groups, inner, taps]);
  const turned = moved(onnx, taps === 1 ? flat : mirrored(onnx, flat, 3), [0, 2, 1, 3]);
  return shaped(onnx, turned, [groups * inner, out / groups, kh, kw]);
}
