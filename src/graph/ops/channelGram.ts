/** Inner products between the channels of two images, which the derivative of a convolution's weights consists of. */
import { ShapeError } from '../../errors.js';
import { defineOp, type Emitter } from '../op.js';
import { requireFloat, type Shape, sameShape, size, type Tensor } from '../tensor.js';
import { blockedConv, blockedDomain, fitsBlocks } from './blocked.js';
import { emitSum, reshape } from './broadcast.js';
import { matmul } from './matmul.js';

const positionsOf = (shape: Shape): number => size(shape.slice(2));

const applyChannelGram = defineOp<object>({
  name: 'channelGram',
  infer([a, b]) {
    requireFloat('channelGram', [a, b]);
    const alike = sameShape([a.shape[0], ...a.shape.slice(2)], [b.shape[0], ...b.shape.slice(2)]);
    if (a.shape.length < 3 || !alike) {
      throw new ShapeError(
        `channelGram: needs two tensors [batch, channel, position, ...] alike but for their channels, got [${a.shape}] and [${b.shape}]`,
      );
    }
    return [{ shape: [a.shape[1], b.shape[1]], dtype: 'float32' }];
  },
  gradient({ inputs: [a, b], cotangents: [g], needed }) {
    const times = (t: Tensor, transposeA: boolean) =>
      matmul(g!, reshape(t, [...t.shape.slice(0, 2), -1]), { transposeA });
    return [
      needed[0] ? reshape(times(b, false), a.shape) : null,
      needed[1] ? reshape(times(a, true), b.shape) : null,
    ];
  },
  emit(onnx, names, { inputs }) {
    const [batch, m, ...positions] = inputs[0].shape;
    const c = inputs[1].shape[1];
    const matrices = names.map((name, i) => shaped(onnx, name, [batch, inputs[i].shape[1], size(positions)]));
    // One product per image and a sum move less than both sides channel first, unless the products are many.
    if (m * c <= size(positions) * (m + c)) {
      const products = onnx.node('MatMul', [matrices[0], moved(onnx, matrices[1], [0, 2, 1])]);
      return [emitSum(onnx, products[0], { shape: [batch, m, c], dtype: 'float32' }, [0], false)];
    }
    const channelFirst = matrices.map((matrix, i) =>
      shaped(onnx, moved(onnx, matrix, [1, 0, 2]), [inputs[i].shape[1], batch * size(positions)]),
    );
    return onnx.node('Gemm', channelFirst, { attributes: { transB: { int: 1 } } });
  },
  /**
   * A pointwise convolution whose channels are positions: b in blocks is its kernel as it lies in memory, and a becomes an image
   * of as many positions as a has channels. One group per image, whose results are summed; or, where the results are larger than
   * b, all images as one.
   */
  blocked: {
    takes: ({ inputs: [, { shape }] }, _attributes, block, [, held]) =>
      held && fitsBlocks(shape, block) && positionsOf(shape) % block === 0 ? [1] : null,
    gives: 'plain',
    emit(onnx, [a, b], { inputs }, _attributes, block) {
      const [batch, m] = inputs[0].shape;
      const c = inputs[1].shape[1];
      const positions = positionsOf(inputs[1].shape);
      const [image] = onnx.node('ReorderInput', [shaped(onnx, a, [batch, m, 1, positions])], {
        domain: blockedDomain,
        attributes: { channels_last: { int: 1 } },
      });
      const groups = m <= positions ? batch : 1;
      const inner = (batch * positions) / groups;
      const blocks =
        groups > 1 ? b : moved(onnx, shaped(onnx, b, [batch, c / block, positions * block]), [1, 0, 2]);
      const [products] = blockedConv(
        onnx,
        [shaped(onnx, image, [1, groups * inner, m, 1]), shaped(onnx, blocks, [groups * c, inner, 1, 1])],
        {
          kernel_shape: { ints: [1, 1] },
          strides: { ints: [1, 1] },
          dilations: { ints: [1, 1] },
          pads: { ints: [0, 0, 0, 0] },
          group: { int: groups },
        },
      );
      const perGroup = shaped(onnx, products, [groups, c, m, 1]);
      const summed =
        groups > 1
          ? emitSum(onnx, perGroup, { shape: [groups, c, m, 1], dtype: 'float32' }, [0], true)
          : perGroup;
      const [result] = onnx.node('ReorderOutput', [summed], {
        domain: blockedDomain,
        attributes: { channels: { int: c }, channels_last: { int: 1 } },
      });
      return [shaped(onnx, result, [m, c])];
    },
  },
});

const shaped = (onnx: Emitter, x: string, shape: Shape): string =>
  onnx.node('Reshape', [x, onnx.int64(shape)])[0];
const moved = (onnx: Emitter, x: string, perm: readonly number[]): string =>
  onnx.node('Transpose', [x], { attributes: { perm: { ints: perm } } })[0];

/**
 * Inner products of every channel of a with every channel of b, over batch and positions: y[m, c] = Σ a[n, m, p] · b[n, c, p].
 * @param a [batch, m, position, ...]
 * @param b [batch, c, position, ...]
 * @returns [m, c]
 * @throws ShapeError when batch or positions differ
 */
export function channelGram(a: Tensor, b: Tensor): Tensor {
  return applyChannelGram([a, b], {})[0];
}
