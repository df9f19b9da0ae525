/**
 * Named parameters. A model is a function of a scope and its inputs; the scope gives every parameter its full
 * (published) name, its initial values and its place in the list of things to train, save and load.
 */
import { parameter, type Shape, size, type Tensor } from '../graph/index.js';
import { type Random, randomStream } from '../random/index.js';

/** Makes initial values of a shape. */
export type Initializer = (random: Random, shape: Shape) => Float32Array;

export interface ParameterEntry {
  readonly tensor: Tensor;
  readonly shape: Shape;
  readonly initializer: Initializer;
  /** False for buffers such as running statistics: saved with the model, changed by no optimiser. */
  readonly trainable: boolean;
}

/** Weight of the newest batch in a running statistic: PyTorch's default. */
export const bufferMomentum = 0.1;

/** The parameters that a model asked for while it was built, and the updates of its buffers. */
export class ParameterList {
  readonly entries = new Map<string, ParameterEntry>();
  /** The statistic that each buffer follows: its next value is (1 − m)·buffer + m·statistic, m = `bufferMomentum`. */
  readonly tracked = new Map<string, Tensor>();

  trainable(): [string, ParameterEntry][] {
    return [...this.entries].filter(([, entry]) => entry.trainable);
  }

  /** Number of trained values. */
  count(): number {
    return this.trainable().reduce((sum, [, { shape }]) => sum + size(shape), 0);
  }

  /** Initial values, each from its own stream: adding a layer leaves the others' values as they were. */
  *initialValues(seed: number): Generator<{ name: string; shape: Shape; values: Float32Array }> {
    for (const [name, { shape, initializer }] of this.entries) {
      yield { name, shape, values: initializer(randomStream(seed, 'init', name), shape) };
    }
  }
}

/** A place in a model's tree of names. */
export class Scope {
  constructor(
    readonly list: ParameterList,
    /** Training mode: batch statistics, dropout and stochastic depth are active. */
    readonly training: boolean,
    private readonly prefix = '',
  ) {}

  /** The scope of a named part. */
  child(name: string | number): Scope {
    return new Scope(this.list, this.training, `${this.prefix}${name}.`);
  }

  /** A trained value. Asking twice for one name gives the same tensor. @throws Error when the shapes differ */
  parameter(name: string, shape: Shape, initializer: Initializer): Tensor {
    return this.declare(name, shape, initializer, true);
  }

  /** A value that is saved but not trained. */
  buffer(name: string, shape: Shape, initializer: Initializer): Tensor {
    return this.declare(name, shape, initializer, false);
  }

  /** Lets a buffer follow a statistic of the batch, with `bufferMomentum`. */
  track(name: string, statistic: Tensor): void {
    this.list.tracked.set(this.prefix + name, statistic);
  }

  private declare(name: string, shape: Shape, initializer: Initializer, trainable: boolean): Tensor {
    const full = this.prefix + name;
    const known = this.list.entries.get(full);
    if (known !== undefined) {
      if (known.shape.join() !== shape.join()) {
        throw new Error(`internal: parameter ${full} is asked for as [${shape}] and as [${known.shape}]`);
      }
      return known.tensor;
    }
    const tensor = parameter(full, shape);
    this.list.entries.set(full, { tensor, shape, initializer, trainable });
    return tensor;
  }
}
