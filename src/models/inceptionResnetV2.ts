/**
 * Inception-ResNet-v2 [szegedy2017inception, fig. 3, 7 and 16–20], with the sizes of the published weights under timm's
 * parameter names (`inception_resnet_v2`).
 *
 * Deviations from the figures, those of the published weights: convolutions of the stem without padding, an Inception
 * block before the first stage in place of the branched stem, 1088 and 2080 channels in the later stages, residual
 * scales 0.17, 0.10 and 0.20, and one last block without scale and ReLU.
 */
import { add, averagePool2d, concat, maxPool2d, mean, mul, relu, type Tensor } from '../graph/index.js';
import { batchNorm, conv, initializers, linear, type Scope } from '../nn/index.js';

/** A convolution with batch norm and ReLU: channels, kernel [rows, columns], stride, and zeros around, default none. */
interface Unit {
  readonly out: number;
  readonly kernel: readonly [number, number];
  readonly stride?: number;
  /** The resolution stays: zeros of half the kernel on every side. */
  readonly same?: boolean;
}

const square = (out: number, side: number, options: Omit<Unit, 'out' | 'kernel'> = {}): Unit => ({
  out,
  kernel: [side, side],
  ...options,
});
const point = (out: number) => square(out, 1);
const same = { same: true } as const;
const halving = { stride: 2 } as const;

function apply(scope: Scope, x: Tensor, { out, kernel, stride = 1, same = false }: Unit): Tensor {
  const [rows, columns] = same ? kernel.map((side) => (side - 1) / 2) : [0, 0];
  const maps = conv(scope.child('conv'), x, out, kernel, {
    strides: [stride, stride],
    padding: [rows, columns, rows, columns],
  });
  return relu(batchNorm(scope.child('bn'), maps, { epsilon: 1e-3 }));
}

/** Units one after the other, numbered from `first`. */
function chain(scope: Scope, x: Tensor, units: readonly Unit[], first = 0): Tensor {
  return units.reduce((maps, unit, i) => apply(scope.child(first + i), maps, unit), x);
}

const pool = (x: Tensor) => maxPool2d(x, { kernel: [3, 3], strides: [2, 2] });

/** Residual blocks: branches of units, joined, brought back to the input's channels by a 1×1 convolution and scaled. */
const residualBlocks = {
  block35: [
    [point(32)],
    [point(32), square(32, 3, same)],
    [point(32), square(48, 3, same), square(64, 3, same)],
  ],
  block17: [
    [point(192)],
    [point(128), { out: 160, kernel: [1, 7], same: true }, { out: 192, kernel: [7, 1], same: true }],
  ],
  block8: [
    [point(192)],
    [point(192), { out: 224, kernel: [1, 3], same: true }, { out: 256, kernel: [3, 1], same: true }],
  ],
} as const satisfies Record<string, readonly (readonly Unit[])[]>;

/** x + scale · conv1×1( branches of x ), then ReLU where `activate`. */
function residual(
  scope: Scope,
  x: Tensor,
  kind: keyof typeof residualBlocks,
  scale: number,
  activate = true,
): Tensor {
  const branches = residualBlocks[kind].map((units: readonly Unit[], i) => {
    const branch = scope.child(`branch${i}`);
    return units.length === 1 ? apply(branch, x, units[0]) : chain(branch, x, units);
  });
  const update = conv(scope.child('conv2d'), concat(branches, 1), x.shape[1], [1, 1], { bias: true });
  const sum = add(mul(update, scale), x);
  return activate ? relu(sum) : sum;
}

function stem(scope: Scope, x: Tensor): Tensor {
  const unit = (name: string, maps: Tensor, of: Unit) => apply(scope.child(name), maps, of);
  let maps = unit('conv2d_1a', x, square(32, 3, halving));
  maps = unit('conv2d_2a', maps, square(32, 3));
  maps = pool(unit('conv2d_2b', maps, square(64, 3, same)));
  maps = unit('conv2d_3b', maps, point(80));
  return pool(unit('conv2d_4a', maps, square(192, 3)));
}

function mixed5b(scope: Scope, x: Tensor): Tensor {
  const average = averagePool2d(x, {
    kernel: [3, 3],
    strides: [1, 1],
    padding: [1, 1, 1, 1],
    countPadding: false,
  });
  return concat(
    [
      apply(scope.child('branch0'), x, point(96)),
      chain(scope.child('branch1'), x, [point(48), square(64, 5, same)]),
      chain(scope.child('branch2'), x, [point(64), square(96, 3, same), square(96, 3, same)]),
      chain(scope.child('branch3'), average, [point(64)], 1), // 0 is the pooling
    ],
    1,
  );
}

function mixed6a(scope: Scope, x: Tensor): Tensor {
  return concat(
    [
      apply(scope.child('branch0'), x, square(384, 3, halving)),
      chain(scope.child('branch1'), x, [point(256), square(256, 3, same), square(384, 3, halving)]),
      pool(x),
    ],
    1,
  );
}

function mixed7a(scope: Scope, x: Tensor): Tensor {
  return concat(
    [
      chain(scope.child('branch0'), x, [point(256), square(384, 3, halving)]),
      chain(scope.child('branch1'), x, [point(256), square(288, 3, halving)]),
      chain(scope.child('branch2'), x, [point(256), square(288, 3, same), square(320, 3, halving)]),
      pool(x),
    ],
    1,
  );
}

/**
 * The whole classifier.
 * @param x [batch, channel, height, width], extents at least 75; published weights were trained at 299
 * @returns logits [batch, classes]
 * @throws ShapeError when the image is too small for the stem
 */
export function inceptionResnetV2(scope: Scope, x: Tensor, classes: number): Tensor {
  const repeat = (
    name: string,
    maps: Tensor,
    times: number,
    ...block: [keyof typeof residualBlocks, number]
  ) =>
    Array.from({ length: times }).reduce<Tensor>(
      (inner, _, i) => residual(scope.child(name).child(i), inner, ...block),
      maps,
    );
  let maps = mixed5b(scope.child('mixed_5b'), stem(scope, x));
  maps = repeat('repeat', maps, 10, 'block35', 0.17);
  maps = repeat('repeat_1', mixed6a(scope.child('mixed_6a'), maps), 20, 'block17', 0.1);
  maps = repeat('repeat_2', mixed7a(scope.child('mixed_7a'), maps), 9, 'block8', 0.2);
  maps = residual(scope.child('block8'), maps, 'block8', 1, false);
  maps = apply(scope.child('conv2d_7b'), maps, point(1536));
  const pooled = mean(maps, { axes: [2, 3] });
  return linear(scope.child('classif'), pooled, classes, { weight: initializers.fanInUniform() });
}
