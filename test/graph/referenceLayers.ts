/** Literal float64 implementations of convolution, pooling and normalisation. */
import { type Array64, along, at, pixel, type Rule, rule, tabulate, total } from './arrays64.js';

interface Convolution {
  readonly strides: readonly number[];
  readonly padding: readonly number[];
  readonly dilations: readonly number[];
  readonly groups: number;
}
interface Pool {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly number[];
}

/** Mean and population variance of each channel of [batch, channel, ...]. */
function channelStatistics(x: Array64) {
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const mean: number[] = [];
  const variance: number[] = [];
  for (let channel = 0; channel < x.shape[1]; channel++) {
    const values = along(
      x,
      axes,
      x.shape.map((_, axis) => (axis === 1 ? channel : 0)),
    );
    const average = total(values) / values.length;
    mean.push(average);
    variance.push(total(values.map((value) => (value - average) ** 2)) / values.length);
  }
  return { mean: Float64Array.from(mean), variance: Float64Array.from(variance) };
}

/** The values of each window, `outside` where it leaves the image. */
function pooled(
  x: Array64,
  shape: readonly number[],
  { kernel, strides, padding }: Pool,
  outside: number,
  combine: (window: readonly number[]) => number,
): Float64Array {
  return tabulate(shape, ([n, c, row, column]) => {
    const window: number[] = [];
    for (let p = 0; p < kernel[0]; p++) {
      for (let q = 0; q < kernel[1]; q++) {
        const i = row * strides[0] + p - padding[0];
        const j = column * strides[1] + q - padding[1];
        window.push(pixel(x, [n, c, i, j], outside));
      }
    }
    return combine(window);
  });
}

export const layeredRules = {
  conv2d: rule<Convolution>(({ inputs: [x, w, b], attributes, types: [y] }) => {
    const { strides, padding, dilations, groups } = attributes;
    const [out, inner, kh, kw] = w.shape;
    return [
      tabulate(y.shape, ([n, o, row, column]) => {
        let sum = b === undefined ? 0 : b.values[o];
        for (let c = 0; c < inner; c++) {
          const channel = Math.floor(o / (out / groups)) * inner + c;
          for (let p = 0; p < kh; p++) {
            for (let q = 0; q < kw; q++) {
              const i = row * strides[0] + p * dilations[0] - padding[0];
              const j = column * strides[1] + q * dilations[1] - padding[1];
              sum += pixel(w, [o, c, p, q], 0) * pixel(x, [n, channel, i, j], 0);
            }
          }
        }
        return sum;
      }),
    ];
  }),
  // Every input element is spread over the output, kernel element by kernel element.
  convTranspose2d: rule<Convolution>(({ inputs: [x, w], attributes, types: [y] }) => {
    const { strides, padding, dilations, groups } = attributes;
    const [channels, outPerGroup, kh, kw] = w.shape;
    const [, outs, height, width] = y.shape;
    const result = new Float64Array(tabulate(y.shape, () => 0));
    tabulate([...x.shape, outPerGroup, kh, kw], ([n, c, row, column, o, p, q]) => {
      const i = row * strides[0] + p * dilations[0] - padding[0];
      const j = column * strides[1] + q * dilations[1] - padding[1];
      if (i >= 0 && j >= 0 && i < height && j < width) {
        const out = Math.floor(c / (channels / groups)) * outPerGroup + o;
        result[((n * outs + out) * height + i) * width + j] +=
          pixel(x, [n, c, row, column], 0) * pixel(w, [c, o, p, q], 0);
      }
      return 0;
    });
    return [result];
  }),
  maxPool2d: rule<Pool>(({ inputs: [x], attributes, types: [y] }) => [
    pooled(x, y.shape, attributes, Number.NEGATIVE_INFINITY, (window) => Math.max(...window)),
  ]),
  averagePool2d: rule<Pool & { countPadding: boolean }>(({ inputs: [x], attributes, types: [y] }) => [
    attributes.countPadding
      ? pooled(x, y.shape, attributes, 0, (window) => total(window) / window.length)
      : pooled(x, y.shape, attributes, Number.NaN, (window) => {
          const inside = window.filter((value) => !Number.isNaN(value));
          return total(inside) / inside.length;
        }),
  ]),
  batchNormTraining: rule<{ epsilon: number }>(({ inputs: [x, scale, bias], attributes: { epsilon } }) => {
    const { mean, variance } = channelStatistics(x);
    const y = tabulate(x.shape, (index) => {
      const c = index[1];
      return (scale.values[c] * (at(x, index) - mean[c])) / Math.sqrt(variance[c] + epsilon) + bias.values[c];
    });
    return [y, mean, variance];
  }),
  scaleShift: rule(({ inputs: [x, scale, bias] }) => [
    tabulate(x.shape, (index) => scale.values[index[1]] * at(x, index) + bias.values[index[1]]),
  ]),
  batchNormInference: rule<{ epsilon: number }>(({ inputs, attributes: { epsilon } }) => {
    const [x, scale, bias, mean, variance] = inputs;
    return [
      tabulate(x.shape, (index) => {
        const c = index[1];
        const centred = at(x, index) - mean.values[c];
        return (scale.values[c] * centred) / Math.sqrt(variance.values[c] + epsilon) + bias.values[c];
      }),
    ];
  }),
  layerNorm: rule<{ epsilon: number }>(({ inputs: [x, scale, bias], attributes: { epsilon }, types }) => {
    const last = x.shape.length - 1;
    const averageOf = (index: readonly number[]) => total(along(x, [last], index)) / x.shape[last];
    const inverseOf = (index: readonly number[]) => {
      const average = averageOf(index);
      const squares = along(x, [last], index).map((value) => (value - average) ** 2);
      return 1 / Math.sqrt(total(squares) / x.shape[last] + epsilon);
    };
    const y = tabulate(x.shape, (index) => {
      const normalized = (at(x, index) - averageOf(index)) * inverseOf(index);
      return normalized * scale.values[index[last]] + bias.values[index[last]];
    });
    return [y, tabulate(types[1].shape, averageOf), tabulate(types[2].shape, inverseOf)];
  }),
} satisfies Readonly<Record<string, Rule>>;
