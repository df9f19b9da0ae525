/** Cases with drawn attributes: combinations that nobody thought of. */
import * as g from '../../../src/graph/index.js';
import { randomStream } from '../../../src/random/index.js';
import { type Case, real } from '../check.js';

const pick = (stream: ReturnType<typeof randomStream>, low: number, high: number) =>
  low + stream.integer(high - low + 1);

/** Convolutions, forward and transposed. */
export function drawnConvolutions(count: number): readonly Case[] {
  return Array.from({ length: count }, (_, number): Case => {
    const stream = randomStream(5, 'drawn convolution', number);
    const draw = (low: number, high: number) => pick(stream, low, high);
    const pair = (low: number, high: number) => [draw(low, high), draw(low, high)] as const;
    const groups = draw(1, 4) === 1 ? draw(2, 3) : 1;
    const inner = draw(1, groups === 1 ? 6 : 2);
    const out = groups * draw(1, groups === 1 ? 6 : 2);
    const kernel = pair(1, 3);
    const options = {
      strides: pair(1, 3),
      dilations: pair(1, 2),
      padding: [...pair(0, 3), ...pair(0, 3)] as const,
      groups,
    };
    if (number % 3 === 2) {
      const image = [draw(1, 2), groups * inner, ...pair(2, 3)];
      // Little padding, so that it leaves something of the smallest image.
      const cropped = { ...options, padding: [0, draw(0, 1), draw(0, 1), 0] as const };
      const outputPadding = [draw(0, options.strides[0] - 1), draw(0, options.strides[1] - 1)] as const;
      return {
        name: `convTranspose2d [${image}] ${inner * groups}→${out} [${kernel}] ${JSON.stringify(cropped)} + ${outputPadding}`,
        inputs: [real(...image), real(groups * inner, out / groups, ...kernel)],
        build: (x, w) => g.convTranspose2d(x, w, { ...cropped, outputPadding }),
      };
    }
    const fit = [0, 1].map((i) => Math.max(1, (kernel[i] - 1) * options.dilations[i] + 1));
    const image = [draw(1, 2), groups * inner, fit[0] + draw(0, 3), fit[1] + draw(0, 3)];
    return {
      name: `conv2d [${image}] to ${out} [${kernel}] ${JSON.stringify(options)}`,
      inputs: [real(...image), real(out, inner, ...kernel), real(out)],
      build: (x, w, b) => g.conv2d(x, w, b, options),
    };
  });
}

/** Pools of every kind. */
export function drawnPools(count: number): readonly Case[] {
  return Array.from({ length: count }, (_, number): Case => {
    const stream = randomStream(5, 'drawn pool', number);
    const draw = (low: number, high: number) => pick(stream, low, high);
    const kernel = [draw(1, 4), draw(1, 4)] as const;
    const padding = [0, 1, 2, 3].map((i) => draw(0, kernel[i % 2] - 1)) as [number, number, number, number];
    const options = { kernel, strides: [draw(1, 4), draw(1, 4)] as const, padding };
    const image = [draw(1, 2), draw(1, 2), kernel[0] + draw(0, 4), kernel[1] + draw(0, 4)];
    const kind = (['max', 'average', 'average without padding'] as const)[number % 3];
    return {
      name: `${kind} pool of [${image}] ${JSON.stringify(options)}`,
      inputs: [real(...image)],
      build: (x) =>
        kind === 'max'
          ? g.maxPool2d(x, options)
          : g.averagePool2d(x, { ...options, countPadding: kind === 'average' }),
    };
  });
}
