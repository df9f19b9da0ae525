/** Inner products between the channels of two images, which the derivative of a convolution's weights consists of. */
import { ShapeError } from '../../errors.js';
import { defineOp, type Emitter } from '../op.js';
import { requireExtents, requireFloat, type Shape, sameShape, size, type Tensor } from '../tensor.js';
import { pad, sliceAxis, transpose } from './arrange.js';
import { blockedConv, blockedDomain, fitsBlocks } from './blocked.js';
import { emitSum, reshape } from './broadcast.js';
import { add } from './elementwise.js';
import { matmul } from './matmul.js';
import { moved, shaped } from './views.js';

interface GramAttributes {
  readonly shifts: number;
}

const positionsOf = (shape: Shape): number => size(shape.slice(2));

const applyChannelGram = defineOp<GramAttributes>({
  name: 'channelGram',
  infer([a, b], { shifts }) {
    requireFloat('channelGram', [a, b]);
    requireExtents('channelGram: shifts', [shifts]);
    const [batch, m, height, ...rest] = a.shape;
    if (a.shape.length < 3 || !sameShape([batch, b.shape[1], height - shifts + 1, ...rest], b.shape)) {
      throw new ShapeError(
        `channelGram: needs two tensors [batch, channel, row, ...] alike but for their channels and ${shifts - 1} rows, got [${a.shape}] and [${b.shape}]`,
      );
    }
    return [{ shape: [shifts * m, b.shape[1]], dtype: 'float32' }];
  },
  gradient({ inputs: [a, b], attributes: { shifts }, cotangents: [g], needed }) {
    const [m, height] = [a.shape[1], b.shape[2]];
    const matrix = (t: Tensor) => reshape(t, [t.shape[0], t.shape[1], -1]);
    const each = Array.from({ length: shifts }, (_, shift) => {
      const products = sliceAxis(g!, 0, shift * m, (shift + 1) * m);
      const image = () => reshape(matmul(products, matrix(b)), [...a.shape.slice(0, 2), ...b.shape.slice(2)]);
      const margin = (rows: number) => a.shape.map((_, axis) => (axis === 2 ? rows : 0));
      return {
        a: () => pad(image(), margin(shift), margin(shifts - 1 - shift)),
        b: () =>
          reshape(
            matmul(transpose(products, [1, 0]), matrix(sliceAxis(a, 2, shift, shift + height))),
            b.shape,
          ),
      };
    });
    return [
      needed[0] ? each.map((of) => of.a()).reduce(add) : null,
      needed[1] ? each.map((of) => of.b()).reduce(add) : null,
    ];
  },
  emit(onnx, [a, b], { inputs }, { shifts }) {
    const [batch, c] = inputs[1].shape;
    const [, m] = inputs[0].shape;
    const positions = positionsOf(inputs[1].shape);
    const still = shaped(onnx, b, [batch, c, positions]);
    // One product per image and a sum move less than both sides channel first, unless the products are many.
    if (shifts * m * c <= positions * (shifts * m + c)) {
      const turned = moved(onnx, still, [0, 2, 1]);
      const sums = shiftedRows(onnx, a, inputs[0].shape, shifts).map((rows) => {
        const products = onnx.node('MatMul', [shaped(onnx, rows, [batch, m, positions]), turned]);
        return emitSum(onnx, products[0], { shape: [batch, m, c], dtype: 'float32' }, [0], false);
      });
      return [joined(onnx, sums, 0)];
    }
    const moving = joined(onnx, shiftedRows(onnx, a, inputs[0].shape, shifts), 1);
    const channelFirst = [
      [moving, shifts * m],
      [still, c],
    ].map(([matrix, channels]) => {
      const each = shaped(onnx, matrix as string, [batch, channels as number, positions]);
      return shaped(onnx, moved(onnx, each, [1, 0, 2]), [channels as number, batch * positions]);
    });
    return onnx.node('Gemm', channelFirst, { attributes: { transB: { int: 1 } } });
  },
  /**
   * A convolution whose channels are positions: b in blocks is its kernel as it lies in memory, and a becomes an image as wide
   * as it has channels. Where a row is whole blocks of positions, the kernel is as high as b has rows, and the shifts are its
   * steps; elsewhere it is pointwise, and the shifts are copies.
   */
  blocked: {
    takes: ({ inputs: [, { shape }] }, _attributes, block, [, held]) =>
      held && fitsBlocks(shape, block) && positionsOf(shape) % block === 0 ? [1] : null,
    gives: 'plain',
    emit(onnx, [aName, b], { inputs }, { shifts }, block) {
      const [batch, c, height, width] = inputs[1].shape;
      const [, channels, aHeight] = inputs[0].shape;
      const steps = shifts > 1 && width % block === 0 ? shifts : 1;
      const copies = shifts / steps;
      const m = copies * channels;
      const a = joined(onnx, shiftedRows(onnx, aName, inputs[0].shape, copies), 1);
      const aPositions = (copies > 1 ? height : aHeight) * width;
      // Of one row: the channels that the convolution sums over; as many kernel rows and steps make up the rest.
      const [inner, perRow] = steps > 1 ? [block, width / block] : [height * width, 1];
      const kernelRows = (height * width) / inner;

      const [image] = onnx.node('ReorderInput', [shaped(onnx, a, [batch, m, 1, aPositions])], {
        domain: blockedDomain,
        attributes: { channels_last: { int: 1 } },
      });
      // One group per image, whose results are summed; or, where these are larger than b, all images in one.
      const groups = steps * m <= height * width ? batch : 1;
      const kernel =
        groups > 1 ? b : moved(onnx, shaped(onnx, b, [batch, c / block, height * width * block]), [1, 0, 2]);
      const [products] = blockedConv(
        onnx,
        [
          shaped(onnx, image, [1, batch * inner, aPositions / inner, m]),
          shaped(onnx, kernel, [groups * c, (batch / groups) * inner, kernelRows, 1]),
        ],
        {
          kernel_shape: { ints: [kernelRows, 1] },
          strides: { ints: [perRow, 1] },
          dilations: { ints: [1, 1] },
          pads: { ints: [0, 0, 0, 0] },
          group: { int: groups },
        },
      );
      const type = { shape: [groups, c, steps, m], dtype: 'float32' } as const;
      const summed =
        groups > 1 ? emitSum(onnx, shaped(onnx, products, type.shape), type, [0], true) : products;
      const [result] = onnx.node('ReorderOutput', [summed], {
        domain: blockedDomain,
        attributes: { channels: { int: c }, channels_last: { int: 1 } },
      });
      return [shaped(onnx, result, [steps * m, c])];
    },
  },
});

/** An image's rows from the first on, from the second on, and so on. */
function shiftedRows(onnx: Emitter, a: string, shape: Shape, count: number): string[] {
  if (count === 1) return [a];
  const height = shape[2] - count + 1;
  return Array.from({ length: count }, (_, shift) => {
    const [from, to, axis, step] = [[shift], [shift + height], [2], [1]].map((values) => onnx.int64(values));
    return onnx.node('Slice', [a, from, to, axis, step])[0];
  });
}

const joined = (onnx: Emitter, parts: readonly string[], axis: number): string =>
  parts.length === 1 ? parts[0] : onnx.node('Concat', parts, { attributes: { axis: { int: axis } } })[0];
/**
 * Inner products of every channel of a with every channel of b, over batch and positions, for each of a's rows that b may
 * begin at: y[i · m + k, c] = Σ a[n, k, r + i, ...] · b[n, c, r, ...].
 * @param a [batch, m, row + shifts − 1, ...]
 * @param b [batch, c, row, ...]
 * @param shifts how many, 1 or more
 * @returns [shifts · m, c]
 * @throws ShapeError when batch or positions do not fit
 */
export function channelGram(a: Tensor, b: Tensor, shifts = 1): Tensor {
  return applyChannelGram([a, b], { shifts })[0];
}
