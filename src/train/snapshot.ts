/** A training's state as named arrays: what a checkpoint keeps. */
import { ConfigError } from '../errors.js';
import type { ParameterStore } from '../runtime/index.js';
import type { Checkpoint, StateTensor } from './checkpoint.js';

/** The weights of the best epoch so far. */
export class BestWeights {
  readonly values = new Map<string, { shape: readonly number[]; values: Float32Array }>();

  take(store: ParameterStore): void {
    for (const name of store.names()) {
      const { values, shape } = store.get(name);
      this.values.set(name, { shape, values: values.slice() });
    }
  }

  giveTo(store: ParameterStore): void {
    for (const [name, { values, shape }] of this.values) store.set(name, values, shape);
  }
}

const bestPrefix = 'best:';

/** Copies nothing: write it before the next step. */
export function snapshot(store: ParameterStore, best: BestWeights): Record<string, StateTensor> {
  const tensors: Record<string, StateTensor> = {};
  for (const name of store.names()) {
    const { values, shape } = store.get(name);
    tensors[name] = { shape, data: values };
  }
  for (const [name, { values, shape }] of best.values) tensors[bestPrefix + name] = { shape, data: values };
  return tensors;
}

/** @throws ConfigError when the checkpoint is of another model */
export function restore(store: ParameterStore, best: BestWeights, { tensors }: Checkpoint): void {
  for (const name of store.names()) {
    const saved = tensors[name];
    if (saved === undefined || saved.data.length !== store.get(name).values.length) {
      throw new ConfigError(
        `resume: the checkpoint does not fit the model at "${name}"; it is of another version, start a new run`,
      );
    }
    store.get(name).values.set(saved.data);
  }
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (name.startsWith(bestPrefix)) best.values.set(name.slice(bestPrefix.length), { shape, values: data });
  }
}
