/**
 * Where each parameter lies in the flat vectors that are trained: parameters of one group and one decay rule
 * form a segment, buffers (running statistics) another.
 */
import { parameter, reshape, type Shape, size, split, type Tensor } from '../graph/index.js';
import type { ParameterList } from '../nn/index.js';
import type { ParameterStore } from '../runtime/index.js';

/** Which parameters share a learning-rate factor. */
export type GroupOf = (parameterName: string) => string;

interface Member {
  readonly name: string;
  readonly shape: Shape;
  readonly leaf: Tensor;
  readonly offset: number;
}

/** A flat vector and the parameters in it. */
export interface LayoutSegment {
  /** Name of the vector in the store, e.g. `weights.cnn.decay.0`. */
  readonly name: string;
  readonly group: string;
  readonly decays: boolean;
  readonly length: number;
  readonly members: readonly Member[];
  /** The vector as a leaf of the graph. */
  readonly tensor: Tensor;
}

export interface Layout {
  readonly weights: readonly LayoutSegment[];
  /** Running statistics; null when the model has none. */
  readonly buffers: LayoutSegment | null;
}

/** The name under which the average of a segment's weights is stored. */
export const averageName = (segment: string): string => `${segment}:average`;

/**
 * Numbers of parameters that follow each other in the model, after which new segments begin. An update makes several
 * copies of its segment: of a long one they would take more memory than the segment itself, and leave the cache between them.
 */
const blockLength = 2 ** 20;
/** A parameter of so many numbers is a segment of its own: to copy it out and its derivative in takes longer than an update. */
const ownLength = 2 ** 16;

/** Lays out a model's parameters, in the order in which the model declares them. */
export function layOut(list: ParameterList, groupOf: GroupOf): Layout {
  const byKey = new Map<string, { group: string; decays: boolean; entries: [string, Shape, Tensor][] }>();
  const buffers: [string, Shape, Tensor][] = [];
  let placed = 0;
  for (const [name, { tensor, shape, trainable }] of list.entries) {
    if (!trainable) {
      buffers.push([name, shape, tensor]);
      continue;
    }
    const group = groupOf(name);
    const decays = shape.length > 1;
    // Biases and scales are few numbers: parts of them would cost more in operators than their copies take.
    const place = decays ? `decay.${Math.floor(placed / blockLength)}` : 'plain';
    const key = `weights.${group}.${size(shape) < ownLength ? place : name}`;
    placed += size(shape);
    const segment = byKey.get(key) ?? { group, decays, entries: [] };
    segment.entries.push([name, shape, tensor]);
    byKey.set(key, segment);
  }
  return {
    weights: [...byKey].map(([name, { group, decays, entries }]) =>
      makeSegment(name, group, decays, entries),
    ),
    buffers: buffers.length === 0 ? null : makeSegment('buffers', 'buffers', false, buffers),
  };
}

function makeSegment(
  name: string,
  group: string,
  decays: boolean,
  entries: [string, Shape, Tensor][],
): LayoutSegment {
  let length = 0;
  const members = entries.map(([member, shape, leaf]) => {
    const offset = length;
    length += size(shape);
    return { name: member, shape, leaf, offset };
  });
  return { name, group, decays, length, members, tensor: parameter(name, [length]) };
}

/** Parameters as parts of their segments: the `bind` of a training program. */
export function bindSegments(segments: readonly LayoutSegment[]): Map<Tensor, Tensor> {
  const bind = new Map<Tensor, Tensor>();
  for (const { tensor, members } of segments) {
    const sizes = members.map(({ shape }) => size(shape));
    const parts = members.length === 1 ? [tensor] : split(tensor, sizes, 0);
    members.forEach(({ leaf, shape }, i) => {
      bind.set(leaf, reshape(parts[i], shape));
    });
  }
  return bind;
}

/** Puts initial values into a store: one vector per segment, and each parameter as a view under its own name. */
export function storeInitialValues(
  store: ParameterStore,
  layout: Layout,
  list: ParameterList,
  seed: number,
): void {
  const values = new Map([...list.initialValues(seed)].map((initial) => [initial.name, initial.values]));
  for (const segment of [...layout.weights, ...(layout.buffers === null ? [] : [layout.buffers])]) {
    const flat = new Float32Array(segment.length);
    for (const { name, offset } of segment.members) flat.set(values.get(name)!, offset);
    store.set(segment.name, flat, [segment.length]);
    for (const { name, offset, shape } of segment.members) store.setView(name, segment.name, offset, shape);
  }
}
