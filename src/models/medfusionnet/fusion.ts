/** Fusion of all tokens, class-aware reweighting and the head (P14–P16, paper eq. 17–18). */
import {
  add,
  concat,
  div,
  expand,
  gelu,
  maximum,
  mul,
  reshape,
  sigmoid,
  sliceAxis,
  sum,
  type Tensor,
} from '../../graph/index.js';
import { dropout, initializers, layerNorm, linear, type Scope, transformerBlock } from '../../nn/index.js';

/** Tokens of one source (a pyramid, the visits, the table, the text). */
export interface TokenGroup {
  readonly name: string;
  /** [batch, token, width] */
  readonly tokens: Tensor;
  /** [batch, token], 1 = present */
  readonly mask: Tensor;
}

export interface FusionOptions {
  readonly labels: number;
  readonly layers: number;
  readonly heads: number;
  readonly dropout: number;
  readonly stochasticDepth: number;
  readonly mode: 'attention' | 'concat';
  readonly classGate: boolean;
  readonly prevalence: readonly number[];
  readonly priorLogits: readonly number[];
}

/** @returns logits [batch, label] */
export function fuse(scope: Scope, groups: readonly TokenGroup[], options: FusionOptions): Tensor {
  const width = groups[0].tokens.shape[2];
  const tokens = groups.map(({ name, tokens }) =>
    add(tokens, scope.child('source').parameter(name, [1, 1, width], initializers.truncatedNormal(0.02))),
  );
  return options.mode === 'attention'
    ? attentionFusion(scope, groups, tokens, options)
    : concatFusion(scope, groups, tokens, options);
}

/**
 * Self-attention over label queries and all tokens. Each label's logit reads its own query and, through its gates,
 * the summary of every source:
 *   z_l = w_l · q_l + Σ_s g_{l,s} · (v_l · t_s) + b_l
 */
function attentionFusion(
  scope: Scope,
  groups: readonly TokenGroup[],
  tokens: readonly Tensor[],
  options: FusionOptions,
): Tensor {
  const [batch, , width] = tokens[0].shape;
  const { labels } = options;
  const queries = expand(scope.parameter('queries', [1, labels, width], initializers.truncatedNormal(0.02)), [
    batch,
    labels,
    width,
  ]);
  // A key that is always there: each label query; so no row of the attention is empty.
  const always = add(mul(sum(groups[0].mask, { axes: [1], keepAxes: true }), 0), 1);
  const mask = concat([expand(always, [batch, labels]), ...groups.map((group) => group.mask)], 1);
  let sequence = concat([queries, ...tokens], 1);
  for (let i = 0; i < options.layers; i++) {
    const block = {
      heads: options.heads,
      dropout: options.dropout,
      stochasticDepth: options.stochasticDepth,
    };
    sequence = transformerBlock(scope.child('blocks').child(i), sequence, block, mask);
  }
  sequence = layerNorm(scope.child('norm'), sequence);
  const answers = sliceAxis(sequence, 1, 0, labels); // [batch, label, width]
  let start = labels;
  const summaries = groups.map((group) => {
    const end = start + group.tokens.shape[1];
    const part = sliceAxis(sequence, 1, start, end);
    start = end;
    return maskedTokenMean(part, group.mask); // [batch, width]
  });
  const own = scope.parameter('query_weight', [1, labels, width], initializers.truncatedNormal(0.02));
  const fromQueries = sum(mul(dropout(scope, answers, options.dropout), own), { axes: [2] });
  const fromSources = summaries.map((summary, source) => {
    const scores = linear(
      scope.child('summary').child(groups[source].name),
      dropout(scope, summary, options.dropout),
      labels,
      { bias: false },
    );
    return options.classGate ? mul(scores, labelGate(scope, groups[source].name, options)) : scores;
  });
  const logits = [fromQueries, ...fromSources].reduce((total, part) => add(total, part));
  return add(logits, headBias(scope, options));
}

/** The ablation: pooled tokens of all sources, joined, through a two-layer perceptron. */
function concatFusion(
  scope: Scope,
  groups: readonly TokenGroup[],
  tokens: readonly Tensor[],
  options: FusionOptions,
): Tensor {
  const width = tokens[0].shape[2];
  const pooled = groups.map(({ name, mask }, i) => {
    const summary = layerNorm(scope.child('norm').child(name), maskedTokenMean(tokens[i], mask));
    return mul(summary, anyPresent(mask));
  });
  const hidden = gelu(linear(scope.child('fc1'), concat(pooled, 1), 2 * width));
  const scores = linear(scope.child('fc2'), dropout(scope, hidden, options.dropout), options.labels, {
    bias: false,
  });
  const gated = options.classGate ? mul(scores, labelGate(scope, 'all', options)) : scores;
  return add(gated, headBias(scope, options));
}

/** Mean of the tokens that are present; 0 where none is. @returns [batch, width] */
function maskedTokenMean(tokens: Tensor, mask: Tensor): Tensor {
  const weights = reshape(mask, [...mask.shape, 1]);
  const count = maximum(sum(mask, { axes: [1], keepAxes: true }), 1);
  return div(sum(mul(tokens, weights), { axes: [1] }), count);
}

/** [batch, 1], 1 where any token of the source is present. */
function anyPresent(mask: Tensor): Tensor {
  const count = sum(mask, { axes: [1], keepAxes: true });
  return div(count, maximum(count, 1));
}

/**
 * Class-aware gate per label, 2 σ(a_l), with a_l started at −½ log(π_l / π̄) within ± 1.5: labels rarer than the
 * geometric mean prevalence π̄ start with a larger gain, commoner ones with a smaller. @returns [1, label]
 */
function labelGate(scope: Scope, source: string, { labels, prevalence }: FusionOptions): Tensor {
  const logs = prevalence.map((p) => Math.log(p));
  const centre = logs.reduce((total, value) => total + value, 0) / logs.length;
  const start = logs.map((value) => Math.max(-1.5, Math.min(1.5, -0.5 * (value - centre))));
  const gate = scope.child('gate').parameter(source, [1, labels], initializers.values(start));
  return mul(sigmoid(gate), 2);
}

/** One bias per label, started at its prior. @returns [1, label] */
function headBias(scope: Scope, { labels, priorLogits }: FusionOptions): Tensor {
  return reshape(scope.parameter('bias', [labels], initializers.values(priorLogits)), [1, labels]);
}
