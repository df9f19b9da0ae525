/** Elementwise arithmetic with numpy's broadcasting. */
import { ShapeError } from '../../errors.js';
import { onnxType } from '../onnx.js';
import { type BlockedRule, defineOp, type Emitter } from '../op.js';
import {
  broadcastShapes,
  constant,
  requireFloat,
  sameShape,
  size,
  type Tensor,
  type TensorType,
} from '../tensor.js';
import { fitsBlocks, followsImage, isPerChannel, scaledChannels } from './blocked.js';
import { sumTo } from './broadcast.js';

/** A tensor, or a number that stands for a scalar constant. */
export type Operand = Tensor | number;

export function asTensor(value: Operand): Tensor {
  return typeof value === 'number' ? constant(value) : value;
}

type BinaryGradient = (
  a: Tensor,
  b: Tensor,
  cotangent: Tensor,
  y: Tensor,
) => readonly [() => Tensor, () => Tensor];

function binary(name: string, type: string, derivative: BinaryGradient) {
  const apply = defineOp<object>({
    name,
    infer(inputs) {
      requireFloat(name, inputs);
      return [{ shape: broadcastShapes(name, inputs[0].shape, inputs[1].shape), dtype: 'float32' }];
    },
    gradient({ inputs: [a, b], outputs: [y], cotangents: [cotangent], needed }) {
      const parts = derivative(a, b, cotangent!, y);
      return [needed[0] ? sumTo(parts[0](), a.shape) : null, needed[1] ? sumTo(parts[1](), b.shape) : null];
    },
    recompute: 'derived',
    emit: (onnx, inputs) => onnx.node(type, inputs),
    blocked: inBlocks(type),
  });
  return (a: Operand, b: Operand): Tensor => apply([asTensor(a), asTensor(b)], {})[0];
}

/** Of two images, of an image and a number, or of an image and a number per channel. */
function inBlocks(type: string): BlockedRule<object> {
  const isNumber = ({ shape }: TensorType) => size(shape) === 1 && shape.length <= 4;
  return {
    takes({ inputs: [a, b] }, _attributes, block, [heldA, heldB]) {
      if (sameShape(a.shape, b.shape)) return (heldA || heldB) && fitsBlocks(a.shape, block) ? [0, 1] : null;
      if (heldA && (isNumber(b) || (type in withNumbers && isPerChannel(b.shape, a.shape)))) return [0];
      if (heldB && (isNumber(a) || (type in withNumbers && type !== 'Sub' && isPerChannel(a.shape, b.shape))))
        return [1];
      return null;
    },
    gives: 'blocks',
    emit(onnx, [x, y], { inputs: [a, b] }) {
      // Told apart from `Add`, which may broadcast, for the pass that makes it part of a convolution.
      if (sameShape(a.shape, b.shape)) return onnx.node(type === 'Add' ? 'Sum' : type, [x, y]);
      if (isNumber(a) || isNumber(b)) return onnx.node(type, [x, y]);
      return isPerChannel(b.shape, a.shape)
        ? withNumbers[type](onnx, x, y, a.shape[1])
        : withNumbers[type](onnx, y, x, b.shape[1]);
    },
  };
}

const asVector = (onnx: Emitter, numbers: string, channels: number) =>
  onnx.node('Reshape', [numbers, onnx.int64([channels])])[0];

/** An image in blocks with a number per channel, [1, channel, 1, 1]. */
const withNumbers: Readonly<
  Record<string, (onnx: Emitter, image: string, numbers: string, channels: number) => string[]>
> = {
  Add: (onnx, image, numbers, channels) =>
    scaledChannels(onnx, image, channels, null, asVector(onnx, numbers, channels)),
  Sub: (onnx, image, numbers, channels) =>
    scaledChannels(onnx, image, channels, null, onnx.node('Neg', [asVector(onnx, numbers, channels)])[0]),
  Mul: (onnx, image, numbers, channels) => scaledChannels(onnx, image, channels, numbers, null),
};

/** a + b */
export const add = binary('add', 'Add', (_a, _b, g) => [() => g, () => g]);
/** a − b */
export const sub = binary('sub', 'Sub', (_a, _b, g) => [() => g, () => neg(g)]);
/** a · b */
export const mul = binary('mul', 'Mul', (a, b, g) => [() => mul(g, b), () => mul(g, a)]);
/** a / b; division by zero follows IEEE 754 */
export const div = binary('div', 'Div', (_a, b, g, y) => [() => div(g, b), () => neg(div(mul(g, y), b))]);
/** The larger of two; where they are equal, each takes half of the derivative, as in PyTorch. */
export const maximum = binary('maximum', 'Max', (a, b, g) => extremum(sub(a, b), g));
/** The smaller of two; where they are equal, each takes half of the derivative, as in PyTorch. */
export const minimum = binary('minimum', 'Min', (a, b, g) => extremum(sub(b, a), g));

function extremum(lead: Tensor, g: Tensor): readonly [() => Tensor, () => Tensor] {
  const half = mul(sign(lead), 0.5);
  return [() => mul(g, add(half, 0.5)), () => mul(g, sub(0.5, half))];
}

/** What takes one image, element by element. */
const followsInput: BlockedRule<object> = { takes: followsImage, gives: 'blocks' };

type UnaryGradient = (x: Tensor, y: Tensor, cotangent: Tensor) => Tensor;

function unary(name: string, type: string, derivative: UnaryGradient | 'none', other?: string) {
  const apply = defineOp<{ again?: boolean }>({
    name,
    infer(inputs) {
      requireFloat(name, inputs);
      return [{ shape: inputs[0].shape, dtype: 'float32' }];
    },
    gradient:
      derivative === 'none'
        ? 'none'
        : ({ inputs, outputs, cotangents }) => [derivative(inputs[0], outputs[0], cotangents[0]!)],
    recompute:
      other === undefined ? 'derived' : ({ inputs }): readonly Tensor[] => apply(inputs, { again: true }),
    emit: (onnx, inputs, _node, { again = false }) =>
      again ? onnx.node(other!, inputs, { domain: 'com.microsoft' }) : onnx.node(type, inputs),
    blocked: followsInput,
  });
  return (x: Tensor): Tensor => apply([x], {})[0];
}

/** −x */
export const neg = unary('neg', 'Neg', (_x, _y, g) => neg(g));
/** eˣ */
export const exp = unary('exp', 'Exp', (_x, y, g) => mul(g, y));
/** Natural logarithm; −∞ at 0, NaN below. */
export const log = unary('log', 'Log', (x, _y, g) => div(g, x));
/** √x */
export const sqrt = unary('sqrt', 'Sqrt', (_x, y, g) => div(mul(g, 0.5), y));
/** 1 / x */
export const reciprocal = unary('reciprocal', 'Reciprocal', (_x, y, g) => neg(mul(g, mul(y, y))));
/** |x|; the derivative at 0 is 0. */
export const abs = unary('abs', 'Abs', (x, _y, g) => mul(g, sign(x)));
/** −1, 0 or 1 */
export const sign = unary('sign', 'Sign', 'none');
/** tanh x */
export const tanh = unary('tanh', 'Tanh', (_x, y, g) => mul(g, sub(1, mul(y, y))));
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = unary('sigmoid', 'Sigmoid', (_x, y, g) => mul(g, mul(y, sub(1, y))));
/** max(x, 0); the derivative at 0 is 0. */
export const relu = unary('relu', 'Relu', (_x, y, g) => mul(g, positive(y)));
/** Gauss error function. */
export const erf = unary('erf', 'Erf', (x, _y, g) =>
  mul(g, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
);
/** log(1 + eˣ), without overflow. */
export const softplus = unary('softplus', 'Softplus', (x, _y, g) => mul(g, sigmoid(x)));
/** x Φ(x), Φ the normal distribution function: the exact (erf) GELU. [hendrycks2016gelu] */
export const gelu = unary(
  'gelu',
  'Gelu',
  (x, _y, g) => {
    const cumulative = add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5);
    const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return mul(g, add(cumulative, mul(x, density)));
  },
  'Gelu',
);

const applyPositive = defineOp<object>({
  name: 'positive',
  infer([x]) {
    requireFloat('positive', [x]);
    return [x];
  },
  gradient: 'none',
  emit(onnx, inputs, node) {
    if (node.inputs[0].dtype === 'float16') {
      const [above] = onnx.node('Greater', [inputs[0], onnx.float(0)]);
      return onnx.node('Cast', [above], { attributes: { to: { int: onnxType.float16 } } });
    }
    // max(0, min(1, x · largest float)): one vectorised pass, where Sign and Greater are slow on the CPU.
    return onnx.node('HardSigmoid', inputs, {
      attributes: { alpha: { float: 3.4028234663852886e38 }, beta: { float: 0 } },
    });
  },
  blocked: followsInput,
});

/** 1 where x > 0, else 0, as float32; subnormal x may count as 0. */
export function positive(x: Tensor): Tensor {
  return applyPositive([x], {})[0];
}

/** log σ(x) = −softplus(−x): finite for any finite x. */
export function logSigmoid(x: Tensor): Tensor {
  return neg(softplus(neg(x)));
}

/** x² */
export function square(x: Tensor): Tensor {
  return mul(x, x);
}

const applyClip = defineOp<{ low: number; high: number }>({
  name: 'clip',
  infer([x]) {
    requireFloat('clip', [x]);
    return [x];
  },
  // Inside the range, borders included, the derivative is 1, as in PyTorch.
  gradient: ({ inputs: [x], attributes: { low, high }, cotangents }) => [
    mul(cotangents[0]!, mul(nonNegative(sub(x, low)), nonNegative(sub(high, x)))),
  ],
  emit: (onnx, [x], _node, { low, high }) => onnx.node('Clip', [x, onnx.float(low), onnx.float(high)]),
});

/** 1 where x ≥ 0, else 0. */
function nonNegative(x: Tensor): Tensor {
  return minimum(add(sign(x), 1), 1);
}

/** Limits x to [low, high]. @throws ShapeError when low > high */
export function clip(x: Tensor, low: number, high: number): Tensor {
  if (!(low <= high)) throw new ShapeError(`clip: low must not exceed high, got ${low} and ${high}`);
  return applyClip([x], { low, high })[0];
}

const applyStop = defineOp<object>({
  name: 'stopGradient',
  infer: ([x]) => [x],
  gradient: 'none',
  emit: (onnx, inputs) => onnx.node('Identity', inputs),
});

/** x, treated as a constant by `gradients`. */
export function stopGradient(x: Tensor): Tensor {
  return applyStop([x], {})[0];
}

const applyFull = defineOp<object>({
  name: 'inFullPrecision',
  infer([x]) {
    requireFloat('inFullPrecision', [x]);
    return [x];
  },
  gradient: ({ cotangents }) => cotangents,
  // A leaf's name is not the program's to give away.
  emit: (onnx, inputs, node) => (node.inputs[0].leaf === null ? inputs : onnx.node('Identity', inputs)),
});

/** x in float32, also in a program that computes in float16: what follows, a loss say, then starts from float32. */
export function inFullPrecision(x: Tensor): Tensor {
  return applyFull([x], {})[0];
}
