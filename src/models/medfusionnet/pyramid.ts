/**
 * Feature pyramids of both branches and the region tokens taken from them (P11, paper eq. 15–16): top-down laterals
 * over the dense stages [lin2017feature], a plain pyramid from the transformer's single scale [li2022exploring].
 */
import {
  adaptiveAveragePool,
  add,
  averagePool2d,
  concat,
  convTranspose2d,
  repeatCells,
  reshape,
  type Tensor,
  transpose,
} from '../../graph/index.js';
import { conv, initializers, type Scope } from '../../nn/index.js';

const lateral = { bias: true, weight: initializers.fanInUniform() } as const;

/** @param maps finest first, each half as large as the one before @returns maps of `width` channels, finest first */
export function densePyramid(scope: Scope, maps: readonly Tensor[], width: number): Tensor[] {
  const results: Tensor[] = [];
  let coarser: Tensor | null = null;
  for (let i = maps.length - 1; i >= 0; i--) {
    const here = conv(scope.child('inner_blocks').child(i), maps[i], width, [1, 1], lateral);
    coarser = coarser === null ? here : add(here, repeatCells(coarser, 2, 2));
    const smoothed = conv(scope.child('layer_blocks').child(i), coarser, width, [3, 3], {
      ...lateral,
      padding: [1, 1, 1, 1],
    });
    results.unshift(smoothed);
  }
  return results;
}

/**
 * @param grid [image, channel, rows, columns]
 * @param scales 3: maps at twice, once and half the resolution; 1: at once alone
 */
export function tokenPyramid(scope: Scope, grid: Tensor, width: number, scales: 1 | 3): Tensor[] {
  const same = conv(scope.child('same'), grid, width, [1, 1], lateral);
  if (scales === 1) return [same];
  const [, channels] = grid.shape;
  const kernel = scope
    .child('up')
    .parameter('weight', [channels, width, 2, 2], initializers.fanInUniform(channels));
  const half = averagePool2d(grid, { kernel: [2, 2] });
  return [
    convTranspose2d(grid, kernel, { strides: [2, 2] }),
    same,
    conv(scope.child('down'), half, width, [1, 1], lateral),
  ];
}

/**
 * Region tokens: every level pooled to at most `side` × `side` cells, with learned level and place embeddings.
 * @returns [image, token, width]
 */
export function regionTokens(scope: Scope, levels: readonly Tensor[], side: number): Tensor {
  const parts = levels.map((map, level) => {
    const [images, width, height] = map.shape;
    const cells = Math.min(side, height);
    const pooled = reshape(adaptiveAveragePool(map, cells, cells), [images, width, cells * cells]);
    const place = scope.parameter(
      `place${level}`,
      [1, cells * cells, width],
      initializers.truncatedNormal(0.02),
    );
    return add(transpose(pooled, [0, 2, 1]), place); // [image, cell, width]
  });
  return concat(parts, 1);
}
