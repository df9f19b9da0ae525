/** The derivative of a two-dimensional convolution with respect to its weights. */
import type { Tensor } from '../tensor.js';
import { concat, pad, sliceAxis, split, transpose } from './arrange.js';
import { reshape } from './broadcast.js';
import { channelGram } from './channelGram.js';
import { matmul } from './matmul.js';

/** As `ConvOptions`, all of them. */
export interface ConvGeometry {
  readonly strides: readonly [number, number];
  readonly padding: readonly [number, number, number, number];
  readonly dilations: readonly [number, number];
  readonly groups: number;
}

const channelFirst = (t: Tensor) => transpose(t, [1, 0, 2, 3]);

/**
 * Derivative of a convolution with respect to its weights: as a rule inner products over positions between channels of the image
 * and of the cotangent, the one with fewer channels unfolded, a shifted copy per kernel element.
 */
export function convWeightGradient(
  x: Tensor,
  g: Tensor,
  shape: readonly number[],
  attributes: ConvGeometry,
): Tensor {
  const { strides, padding, dilations, groups } = attributes;
  const [out, inner, kh, kw] = shape;
  const taps = kh * kw;
  const reach = [(kh - 1) * dilations[0], (kw - 1) * dilations[1]];
  if (groups > 1) return groupedWeightGradient(x, g, shape, attributes);

  const dense = strides[0] === 1 && strides[1] === 1 && padding.every((amount, i) => amount <= reach[i % 2]);
  // dw[o, c, k] = Σ_q x[c, q] · g[o, q − k·d + pad]: the cotangent can be unfolded in place of the image, backwards.
  const turned = dense && out < inner;
  const [still, moving] = turned ? [x, g] : [g, x];
  const margin = turned ? [0, 1, 2, 3].map((i) => reach[i % 2] - padding[i]) : padding;
  const padded = pad(moving, [0, 0, margin[0], margin[1]], [0, 0, margin[2], margin[3]]);
  const acrossColumns = shiftedCopies(padded, 1, 1, still.shape[3], kw, attributes, turned);
  const products = byRow(acrossColumns, still, kh, attributes);
  const inOrder = concat(turned ? products.reverse() : products, 0);
  if (turned) return reshape(transpose(reshape(inOrder, [taps, out * inner]), [1, 0]), shape);
  const byOut = transpose(inOrder, [1, 0]);
  return reshape(taps === 1 ? byOut : transpose(reshape(byOut, [out, taps, inner]), [0, 2, 1]), shape);
}

/**
 * The inner products of an image's channels with those of `still`, for every row of a kernel. Kernel rows that meet the same rows
 * of the image, every one or every second with a stride of 2, share a product.
 * @returns for each kernel row [channels of the image, channels of `still`]
 */
function byRow(
  image: Tensor,
  still: Tensor,
  kernelRows: number,
  { strides: [step], dilations: [dilation] }: ConvGeometry,
): Tensor[] {
  const height = still.shape[2];
  const sharing = dilation === 1 ? step : kernelRows;
  const products: Tensor[] = [];
  for (let first = 0; first < Math.min(sharing, kernelRows); first++) {
    const shifts = Math.ceil((kernelRows - first) / sharing);
    const start = first * dilation;
    const rows = sliceAxis(image, 2, start, start + (height + shifts - 2) * step + 1, step);
    const sizes = Array.from({ length: shifts }, () => image.shape[1]);
    const product = channelGram(rows, still, shifts);
    for (const [shift, part] of (shifts === 1 ? [product] : split(product, sizes, 0)).entries()) {
      products[first + shift * sharing] = part;
    }
  }
  return products;
}

function groupedWeightGradient(
  x: Tensor,
  g: Tensor,
  shape: readonly number[],
  attributes: ConvGeometry,
): Tensor {
  const { padding, groups } = attributes;
  const [out, inner, kh, kw] = shape;
  const taps = kh * kw;
  const padded = pad(channelFirst(x), [0, 0, padding[0], padding[1]], [0, 0, padding[2], padding[3]]);
  const acrossColumns = shiftedCopies(padded, 1, 0, g.shape[3], kw, attributes, false);
  const unfolded = shiftedCopies(acrossColumns, 0, 0, g.shape[2], kh, attributes, false);
  const perGroup = transpose(reshape(unfolded, [taps, groups, inner, -1]), [1, 0, 2, 3]);
  const cotangent = reshape(channelFirst(g), [groups, out / groups, -1]);
  const product = matmul(cotangent, reshape(perGroup, [groups, taps * inner, -1]), { transposeB: true });
  return reshape(transpose(reshape(product, [out, taps, inner]), [0, 2, 1]), shape);
}

/**
 * Shifted copies of an image, one per kernel element of a row or column, joined on another axis.
 * @param x [.., .., height, width], padded
 * @param along rows 0, columns 1
 * @param axis of the channels, 0 or 1
 * @param extent of a copy
 * @param count of copies
 * @param backwards from the last kernel element to the first
 */
function shiftedCopies(
  x: Tensor,
  along: 0 | 1,
  axis: 0 | 1,
  extent: number,
  count: number,
  { strides, dilations }: Pick<ConvGeometry, 'strides' | 'dilations'>,
  backwards: boolean,
): Tensor {
  const copies = Array.from({ length: count }, (_, k) => {
    const start = k * dilations[along];
    const end = start + (extent - 1) * strides[along] + 1;
    return sliceAxis(x, 2 + along, start, end, strides[along]);
  });
  return concat(backwards ? copies.reverse() : copies, axis);
}
