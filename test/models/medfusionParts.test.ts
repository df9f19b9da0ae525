/** MedFusionNet's own parts against slow literal versions in float64, written from the formulas of docs/model.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { input, type Tensor } from '../../src/graph/index.js';
import { type FusionOptions, fuse } from '../../src/models/medfusionnet/fusion.js';
import { mapsToTokens, tokensToMaps } from '../../src/models/medfusionnet/interaction.js';
import { tabularTokens } from '../../src/models/medfusionnet/tabular.js';
import { type VisitOptions, visitTokens } from '../../src/models/medfusionnet/temporal.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { randomStream } from '../../src/random/index.js';
import { type Array64, at, tabulate, total } from '../graph/arrays64.js';
import { assertClose } from '../graph/check.js';
import { interpret } from '../graph/reference.js';

/** A part in evaluation mode, with random inputs and parameters. */
class Part {
  readonly list = new ParameterList();
  readonly scope = new Scope(this.list, false);
  private readonly leaves = new Map<string, { tensor: Tensor; array: Array64 }>();
  private readonly random = randomStream(1, 'parts');

  input(name: string, shape: readonly number[], values?: readonly number[]): Tensor {
    const tensor = input(name, shape);
    const array = { shape, values: tabulate(shape, () => this.random.normal()) };
    if (values !== undefined) array.values.set(values);
    this.leaves.set(name, { tensor, array });
    return tensor;
  }

  codes(name: string, shape: readonly number[], values: readonly number[]): Tensor {
    const tensor = input(name, shape, 'int32');
    this.leaves.set(name, { tensor, array: { shape, values: Float64Array.from(values) } });
    return tensor;
  }

  /** The array that is fed for an input or a parameter. */
  of(name: string): Array64 {
    const leaf = this.leaves.get(name);
    if (leaf !== undefined) return leaf.array;
    const entry = this.list.entries.get(name);
    assert.ok(entry !== undefined, `${name} is among ${[...this.list.entries.keys()]}`);
    const { shape, tensor } = entry;
    const values = tabulate(shape, () =>
      name.endsWith('running_var') ? 0.5 + this.random.uniform() : this.random.normal(),
    );
    this.leaves.set(name, { tensor, array: { shape, values } });
    return { shape, values };
  }

  run(...outputs: Tensor[]): Array64[] {
    for (const name of this.list.entries.keys()) this.of(name);
    const feeds = new Map([...this.leaves.values()].map(({ tensor, array }) => [tensor, array.values]));
    return interpret(outputs, feeds).map((values, i) => ({ shape: outputs[i].shape, values }));
  }
}

const range = (length: number) => Array.from({ length }, (_, i) => i);

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** x Φ(x), Φ by Simpson's rule. */
function gelu(x: number): number {
  const steps = 400;
  const density = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  const h = x / steps;
  let area = density(0) + density(x);
  for (let i = 1; i < steps; i++) area += (i % 2 === 1 ? 4 : 2) * density(i * h);
  return x * (0.5 + (area * h) / 3);
}

/** Layer norm of one vector, ε = 1e-6. */
function normed(part: Part, name: string, x: readonly number[]): number[] {
  const [weight, bias] = [part.of(`${name}.weight`).values, part.of(`${name}.bias`).values];
  const mean = total(x) / x.length;
  const variance = total(x.map((value) => (value - mean) ** 2)) / x.length;
  return x.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-6)) * weight[i] + bias[i]);
}

/** Batch norm in evaluation mode of the channels at one place, ε = 1e-5. */
function batchNormed(part: Part, name: string, x: readonly number[]): number[] {
  const [weight, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
    (suffix) => part.of(`${name}.${suffix}`).values,
  );
  return x.map((value, i) => ((value - mean[i]) / Math.sqrt(variance[i] + 1e-5)) * weight[i] + bias[i]);
}

/** W x: a linear layer without bias, or a 1×1 convolution at one place. */
function times(part: Part, name: string, x: readonly number[]): number[] {
  const { shape, values } = part.of(`${name}.weight`);
  return range(shape[0]).map((out) => total(x.map((value, i) => values[out * x.length + i] * value)));
}

/** x + conv(σ(BN(conv(x)))) at one place. */
function gated(part: Part, name: string, x: readonly number[]): number[] {
  const gate = batchNormed(part, `${name}.norm`, times(part, `${name}.conv1`, x)).map(sigmoid);
  return times(part, `${name}.conv2`, gate).map((value, i) => x[i] + value);
}

test('maps to tokens: gate, cell means, norm and GELU, and nothing for the class token', () => {
  const part = new Part();
  const [batch, channels, side, grid, width] = [2, 3, 4, 2, 5];
  const maps = part.input('maps', [batch, channels, side, side]);
  const tokens = part.input('tokens', [batch, 1 + grid ** 2, width]);
  const [got] = part.run(mapsToTokens(part.scope, maps, tokens, grid));

  const projectedAt = (row: number, y: number, x: number) =>
    gated(
      part,
      'gate',
      times(
        part,
        'project',
        range(channels).map((channel) => at(part.of('maps'), [row, channel, y, x])),
      ),
    );
  const expected = tabulate(got.shape, ([row, token, feature]) => {
    const before = at(part.of('tokens'), [row, token, feature]);
    if (token === 0) return before;
    const [top, left] = [2 * Math.floor((token - 1) / grid), 2 * ((token - 1) % grid)];
    const cells = [
      [top, left],
      [top, left + 1],
      [top + 1, left],
      [top + 1, left + 1],
    ].map(([y, x]) => projectedAt(row, y, x));
    const mean = range(width).map((i) => total(cells.map((cell) => cell[i])) / 4);
    return before + gelu(normed(part, 'norm', mean)[feature]);
  });
  assertClose(got.values, expected, 1e-6, 'value');
});

test('tokens to maps: norm and ReLU, bilinear to the map, gate', () => {
  const part = new Part();
  const [batch, channels, side, grid, width] = [2, 3, 4, 2, 5];
  const maps = part.input('maps', [batch, channels, side, side]);
  const tokens = part.input('tokens', [batch, 1 + grid ** 2, width]);
  const [got] = part.run(tokensToMaps(part.scope, tokens, maps, grid));

  const cell = (row: number, y: number, x: number) => {
    const token = range(width).map((i) => at(part.of('tokens'), [row, 1 + y * grid + x, i]));
    return batchNormed(part, 'norm', times(part, 'project', token)).map((value) => Math.max(0, value));
  };
  // Pixel centres: place i of 4 lies at (i + ½) / 2 − ½ among 2, held within them.
  const weights = [
    [1, 0],
    [0.75, 0.25],
    [0.25, 0.75],
    [0, 1],
  ];
  const expected = tabulate(got.shape, ([row, channel, y, x]) => {
    const blended = range(channels).map((i) =>
      total([0, 1].flatMap((v) => [0, 1].map((u) => weights[y][v] * weights[x][u] * cell(row, v, u)[i]))),
    );
    return at(part.of('maps'), [row, channel, y, x]) + gated(part, 'gate', blended)[channel];
  });
  assertClose(got.values, expected, 1e-6, 'value');
});

test('table tokens: x w + b, a learned vector for a missing number, a row of its own for each level', () => {
  const part = new Part();
  const [batch, width] = [2, 3];
  const tokens = tabularTokens(
    part.scope,
    {
      numeric: part.input('numeric', [batch, 2]),
      missing: part.input('is missing', [batch, 2], [1, 0, 0, 0]),
      categorical: part.codes('categorical', [batch, 2], [0, 1, 2, 0]),
    },
    [3, 2],
    width,
  );
  const [got] = part.run(tokens);
  assert.deepEqual(got.shape, [batch, 4, width]);
  const expected = tabulate(got.shape, ([row, column, i]) => {
    if (column >= 2) {
      const code = at(part.of('categorical'), [row, column - 2]);
      // The second column's levels follow the three of the first.
      return at(part.of('levels.weight'), [(column === 3 ? 3 : 0) + code, i]);
    }
    const bias = at(part.of('bias'), [0, column, i]);
    if (at(part.of('is missing'), [row, column]) === 1) return at(part.of('missing'), [0, column, i]) + bias;
    return at(part.of('numeric'), [row, column]) * at(part.of('weight'), [0, column, i]) + bias;
  });
  assertClose(got.values, expected, 1e-6, 'value');
});

/** Tokens of three sources: all there, partly masked, wholly masked in the first row. */
function sources(part: Part, width: number) {
  const group = (name: string, count: number, mask: readonly number[]) => ({
    name,
    tokens: part.input(`tokens ${name}`, [2, count, width]),
    mask: part.input(`mask ${name}`, [2, count], mask),
  });
  return [group('a', 2, [1, 1, 1, 1]), group('b', 3, [1, 0, 1, 0, 0, 1]), group('c', 2, [0, 0, 1, 0])];
}

/** Mean over the tokens that are there; zeros where none is. */
function presentMean(part: Part, name: string, row: number, token: (i: number) => readonly number[]) {
  const mask = part.of(`mask ${name}`);
  const there = range(mask.shape[1]).filter((i) => at(mask, [row, i]) === 1);
  const width = part.of(`tokens ${name}`).shape[2];
  return range(width).map((feature) =>
    there.length === 0 ? 0 : total(there.map((i) => token(i)[feature])) / there.length,
  );
}

/** A source's token with the source's embedding. */
function sourceToken(part: Part, name: string, row: number, i: number): number[] {
  const tokens = part.of(`tokens ${name}`);
  return range(tokens.shape[2]).map(
    (feature) => at(tokens, [row, i, feature]) + part.of(`source.${name}`).values[feature],
  );
}

const fusion: FusionOptions = {
  labels: 3,
  layers: 0,
  heads: 2,
  dropout: 0,
  stochasticDepth: 0,
  mode: 'attention',
  classGate: true,
  prevalence: [0.5, 0.1, 0.001],
  priorLogits: [0, -2, -7],
};

for (const classGate of [true, false]) {
  const gateOf = (part: Part, name: string, label: number) =>
    classGate ? 2 * sigmoid(part.of(`gate.${name}`).values[label]) : 1;

  test(`attention fusion reads its query and each source's mean${classGate ? ' through its gates' : ''}`, () => {
    // Without attention blocks the formula of the logits stands alone.
    const part = new Part();
    const width = 4;
    const [got] = part.run(fuse(part.scope, sources(part, width), { ...fusion, classGate }));
    const expected = tabulate(got.shape, ([row, label]) => {
      const query = range(width).map((i) => at(part.of('queries'), [0, label, i]));
      const own = normed(part, 'norm', query).map((q, i) => q * at(part.of('query_weight'), [0, label, i]));
      const parts = ['a', 'b', 'c'].map((name) => {
        const mean = presentMean(part, name, row, (i) =>
          normed(part, 'norm', sourceToken(part, name, row, i)),
        );
        return gateOf(part, name, label) * times(part, `summary.${name}`, mean)[label];
      });
      return total(own) + total(parts) + part.of('bias').values[label];
    });
    assertClose(got.values, expected, 1e-6, 'value');
  });

  test(`concat fusion joins each source's normed mean${classGate ? ' and gates the scores' : ''}`, () => {
    const part = new Part();
    const width = 4;
    const options = { ...fusion, mode: 'concat', classGate } as const;
    const [got] = part.run(fuse(part.scope, sources(part, width), options));
    const expected = tabulate(got.shape, ([row, label]) => {
      const joined = ['a', 'b', 'c'].flatMap((name) => {
        const mask = part.of(`mask ${name}`);
        if (range(mask.shape[1]).every((i) => at(mask, [row, i]) === 0)) return range(width).map(() => 0);
        const mean = presentMean(part, name, row, (i) => sourceToken(part, name, row, i));
        return normed(part, `norm.${name}`, mean);
      });
      const hidden = times(part, 'fc1', joined).map((value, i) =>
        gelu(value + part.of('fc1.bias').values[i]),
      );
      const score = times(part, 'fc2', hidden)[label];
      return gateOf(part, 'all', label) * score + part.of('bias').values[label];
    });
    assertClose(got.values, expected, 1e-6, 'value');
  });
}

test('gates start at 2 σ(−½ log(π / geometric mean)) within ±1.5, biases at the prior logits', () => {
  const part = new Part();
  fuse(part.scope, sources(part, 4), fusion);
  const initial = new Map([...part.list.initialValues(1)].map(({ name, values }) => [name, values]));
  const geometricMean = (0.5 * 0.1 * 0.001) ** (1 / 3);
  const starts = fusion.prevalence.map((p) => -0.5 * Math.log(p / geometricMean));
  assert.ok(Math.abs(starts[2]) > 1.5, 'the rarest label is beyond the limit');
  const expected = [starts[0], starts[1], 1.5];
  assert.ok(starts[0] > -1.5 && starts[0] < starts[1], 'the commonest label has the smallest gate');
  for (const name of ['a', 'b', 'c']) assertClose(initial.get(`gate.${name}`)!, expected, 1e-6, name);
  assert.deepEqual(Array.from(initial.get('bias')!), fusion.priorLogits);
});

const visits = { batch: 2, slots: 4, features: 3, width: 4 };
const visitOptions: VisitOptions = { width: 4, heads: 2, views: 3, dropout: 0, temporal: true };

/** Visit tokens; without attention its blocks add nothing, so that the convolutions' output is what comes out. */
function runVisits(options: { mask: readonly number[]; attention: boolean; pooled?: Float64Array }) {
  const part = new Part();
  const { batch, slots, features } = visits;
  const tokens = visitTokens(
    part.scope,
    {
      pooled: part.input('pooled', [batch, slots, features], options.pooled && [...options.pooled]),
      mask: part.input('mask', [batch, slots], options.mask),
      time: part.input('time', [batch, slots]),
      view: part.codes('view', [batch, slots], [0, 1, 2, 0, 1, 1, 0, 2]),
    },
    visitOptions,
  );
  if (!options.attention) {
    for (const name of ['attn.proj', 'mlp.fc2']) {
      part.of(`attention.${name}.weight`).values.fill(0);
      part.of(`attention.${name}.bias`).values.fill(0);
    }
  }
  const [result, mask] = part.run(tokens.tokens, tokens.mask);
  return { part, result, mask };
}

test('visits: two causal dilated convolutions from the oldest visit to the newest, then a no-history token', () => {
  const { slots, width } = visits;
  const { part, result, mask } = runVisits({ mask: [1, 1, 0, 1, 1, 0, 0, 0], attention: false });
  assert.deepEqual(Array.from(mask.values), [1, 0, 1, 1, 0, 0, 0, 0, 1, 1]);

  const embedded = (row: number, slot: number) => {
    if (at(part.of('mask'), [row, slot]) === 0) return range(width).map(() => 0);
    const pooled = range(visits.features).map((i) => at(part.of('pooled'), [row, slot, i]));
    const view = at(part.of('view'), [row, slot]);
    return times(part, 'project', pooled).map(
      (value, i) =>
        value +
        part.of('project.bias').values[i] +
        at(part.of('slot'), [0, slot, i]) +
        at(part.of('time'), [row, slot]) * part.of('time.weight').values[i] +
        at(part.of('view.weight'), [view, i]),
    );
  };
  const convolved = (name: string, sequence: readonly number[][], dilation: number) =>
    sequence.map((_, step) =>
      range(width).map((out) => {
        let sum = part.of(`${name}.bias`).values[out];
        for (let tap = 0; tap < 3; tap++) {
          const from = step - (2 - tap) * dilation;
          if (from < 0) continue;
          for (let i = 0; i < width; i++)
            sum += at(part.of(`${name}.weight`), [out, i, 0, tap]) * sequence[from][i];
        }
        return sum;
      }),
    );
  const sequences = [0, 1].map((row) => {
    let sequence = range(slots).map((step) => embedded(row, slots - 1 - step));
    for (const [layer, dilation] of [1, 2].entries()) {
      const inner = convolved(`tcn.${layer}.conv1`, sequence, dilation).map((step) => step.map(gelu));
      const update = convolved(`tcn.${layer}.conv2`, inner, dilation);
      sequence = sequence.map((step, s) => {
        const there = at(part.of('mask'), [row, slots - 1 - s]);
        return step.map((value, i) => (value + update[s][i]) * there);
      });
    }
    return [...sequence, [...part.of('no_history').values]];
  });
  const expected = tabulate(result.shape, ([row, step, i]) => sequences[row][step][i]);
  assertClose(result.values, expected, 1e-6, 'value');
});

test('visits: an older visit changes all newer steps, a newer one no older step before attention', () => {
  const { slots, features, width } = visits;
  const mask = [1, 1, 1, 1, 1, 1, 1, 1];
  const pooled = tabulate([visits.batch, slots, features], (index) => Math.sin(1 + total(index)));
  const movedSteps = (slot: number, attention: boolean) => {
    const before = runVisits({ mask, attention, pooled }).result;
    const other = pooled.slice();
    for (let i = 0; i < features; i++) other[slot * features + i] += 1;
    const after = runVisits({ mask, attention, pooled: other }).result;
    const differs = (row: number, step: number) =>
      range(width).some((i) => at(before, [row, step, i]) !== at(after, [row, step, i]));
    assert.ok(
      range(slots + 1).every((step) => !differs(1, step)),
      'the other row stays as it is',
    );
    return range(slots + 1).filter((step) => differs(0, step));
  };
  for (const slot of range(slots)) {
    // Slot 0 is the newest, step 0 the oldest.
    const from = slots - 1 - slot;
    assert.deepEqual(
      movedSteps(slot, false),
      range(slots).filter((step) => step >= from),
    );
  }
  assert.deepEqual(movedSteps(0, true), range(slots), 'attention joins all visits of the row');
});
