/** Matrix products. */
import { ShapeError } from '../../errors.js';
import { defineOp } from '../op.js';
import { broadcastShapes, requireFloat, size, type Tensor } from '../tensor.js';
import { transpose } from './arrange.js';
import { reshape, sumTo } from './broadcast.js';

interface MatmulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

const swapLast = (rank: number) =>
  Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));

const applyMatmul = defineOp<MatmulAttributes>({
  name: 'matmul',
  infer([a, b], { transposeA, transposeB }) {
    requireFloat('matmul', [a, b]);
    if (a.shape.length < 2 || b.shape.length < 2) {
      throw new ShapeError(`matmul: needs at least two axes each, got [${a.shape}] and [${b.shape}]`);
    }
    const [rows, inner] = transposeA
      ? [a.shape.at(-1)!, a.shape.at(-2)!]
      : [a.shape.at(-2)!, a.shape.at(-1)!];
    const [innerB, columns] = transposeB
      ? [b.shape.at(-1)!, b.shape.at(-2)!]
      : [b.shape.at(-2)!, b.shape.at(-1)!];
    if (inner !== innerB) {
      throw new ShapeError(
        `matmul: inner extents differ: [${a.shape}]${transposeA ? 'ᵀ' : ''} · [${b.shape}]${transposeB ? 'ᵀ' : ''}`,
      );
    }
    const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
    return [{ shape: [...batch, rows, columns], dtype: 'float32' }];
  },
  gradient({ inputs: [a, b], attributes: { transposeA, transposeB }, cotangents: [g], needed }) {
    // y = A B. dA = g Bᵀ, dB = Aᵀ g, each then transposed back if the operand was.
    const da = () =>
      transposeA
        ? matmul(b, g!, { transposeA: transposeB, transposeB: true })
        : matmul(g!, b, { transposeB: !transposeB });
    const db = () =>
      transposeB
        ? matmul(g!, a, { transposeA: true, transposeB: transposeA })
        : matmul(a, g!, { transposeA: !transposeA });
    return [needed[0] ? sumTo(da(), a.shape) : null, needed[1] ? sumTo(db(), b.shape) : null];
  },
  emit(onnx, [a, b], node, { transposeA, transposeB }) {
    const ranks = node.inputs.map(({ shape }) => shape.length);
    if (ranks[0] === 2 && ranks[1] === 2) {
      return onnx.node('Gemm', [a, b], {
        attributes: { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) } },
      });
    }
    const turn = (name: string, rank: number, wanted: boolean) =>
      wanted ? onnx.node('Transpose', [name], { attributes: { perm: { ints: swapLast(rank) } } })[0] : name;
    return onnx.node('MatMul', [turn(a, ranks[0], transposeA), turn(b, ranks[1], transposeB)]);
  },
});

/**
 * Matrix product over the last two axes; leading axes broadcast.
 * @param a [..., n, k], or [..., k, n] with `transposeA`
 * @param b [..., k, m], or [..., m, k] with `transposeB`
 * @returns [..., n, m]
 * @throws ShapeError when the inner extents differ
 */
export function matmul(a: Tensor, b: Tensor, options: Partial<MatmulAttributes> = {}): Tensor {
  const { transposeA = false, transposeB = false } = options;
  if (b.shape.length === 2 && a.shape.length > 2 && !transposeA) {
    // A shared right operand: fold the batch into rows, so that it is one matrix product.
    const folded = applyMatmul([reshape(a, [-1, a.shape.at(-1)!]), b], { transposeA, transposeB })[0];
    return reshape(folded, [...a.shape.slice(0, -1), size(folded.shape) / size(a.shape.slice(0, -1))]);
  }
  return applyMatmul([a, b], { transposeA, transposeB })[0];
}

/** The last two axes exchanged. */
export function transposeLast(x: Tensor): Tensor {
  return transpose(x, swapLast(x.shape.length));
}
