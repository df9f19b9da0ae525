/** Small MedFusionNets to test: configurations, random inputs and weights that leave nothing at its neutral start. */
import { size } from '../../src/graph/index.js';
import { type MedFusionConfig, type MedFusionInputs, medFusionInputs } from '../../src/models/index.js';
import type { ParameterList } from '../../src/nn/index.js';
import { type Random, randomStream } from '../../src/random/index.js';
import { ParameterStore, type Values } from '../../src/runtime/index.js';

/** All inputs and all parts, nano, at 32 px: two views, each with one earlier visit. */
export const everything: MedFusionConfig = {
  size: 'nano',
  labels: 3,
  image: { side: 32, channels: 1, slots: 4, views: 3, mirror: false },
  tabular: { numeric: 2, levels: [3, 2] },
  text: { vocabulary: 7, tokens: 4 },
  branches: { cnn: true, transformer: true, temporal: true },
  interaction: true,
  pyramid: true,
  fusion: 'attention',
  classGate: true,
  dropout: 0,
  stochasticDepth: 0,
  prevalence: [0.5, 0.1, 0.02],
  priorLogits: [0, -2.2, -3.9],
};

export type Feeds = Record<string, Values>;

/**
 * Random inputs of a batch: all is present but one visit of the last slot, one number and the end of one text.
 * Where a batch has more than one slot, its last row has a single image.
 */
export function randomFeeds(config: MedFusionConfig, batch: number, seed = 1): Feeds {
  const random = randomStream(seed, 'medfusion-inputs');
  const inputs = medFusionInputs(config, batch);
  const feeds: Feeds = {};
  for (const [name, tensor] of Object.entries(inputs) as [keyof MedFusionInputs, typeof inputs.present][]) {
    feeds[name] = fill(name, tensor.shape, config, random);
  }
  return feeds;
}

function fill(
  name: keyof MedFusionInputs,
  shape: readonly number[],
  config: MedFusionConfig,
  random: Random,
): Values {
  const length = size(shape);
  const columns = shape[1];
  const floats = (value: (i: number) => number) => Float32Array.from({ length }, (_, i) => value(i));
  const integers = (below: (column: number) => number) =>
    Int32Array.from({ length }, (_, i) => random.integer(below(i % columns)));
  switch (name) {
    case 'images':
    case 'numeric':
      return floats(() => random.normal());
    case 'visitTime':
      return floats(() => -random.uniform());
    case 'visitView':
      return integers(() => config.image!.views);
    case 'categorical':
      return integers((column) => config.tabular!.levels[column]);
    case 'textIds':
      return integers(() => config.text!.vocabulary);
    case 'visitMask':
      // The first row lacks its last slot; the last row has a single image.
      return floats((i) => Number(i % columns === 0 || (i !== columns - 1 && i < length - columns)));
    case 'numericMissing':
      return floats((i) => Number(i === 0));
    case 'textMask':
      return floats((i) => Number(i !== columns - 1));
    case 'present':
      return floats(() => 1);
    default:
      return name satisfies never;
  }
}

/** A copy in which one input differs within a range of its elements. */
export function changed(feeds: Feeds, name: string, from: number, to: number, value?: number): Feeds {
  const values = feeds[name].slice();
  for (let i = from; i < to; i++) {
    values[i] = value ?? (values instanceof Float32Array ? values[i] * 0.3 - 0.4 : values[i] === 0 ? 1 : 0);
  }
  return { ...feeds, [name]: values };
}

/** Random values for every parameter and running statistic: the initial ones, moved. */
export function randomStore(list: ParameterList, seed = 1): ParameterStore {
  const store = new ParameterStore();
  for (const { name, shape, values } of list.initialValues(seed)) {
    const random = randomStream(seed, 'medfusion-weights', name);
    const moved = values.map((value) =>
      name.endsWith('running_var') ? 0.5 + random.uniform() : value + 0.05 * random.normal(),
    );
    store.set(name, moved, shape);
  }
  return store;
}
