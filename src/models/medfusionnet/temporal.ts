/**
 * The temporal / relational branch (P12): a causal dilated TCN [bai2018empirical] and masked self-attention over a
 * row's visits and views, each one embedding of an image. It never sees labels.
 */
import {
  add,
  cast,
  concat,
  expand,
  flip,
  gelu,
  greater,
  mul,
  pad,
  reshape,
  sub,
  sum,
  type Tensor,
  transpose,
} from '../../graph/index.js';
import { conv, embedding, initializers, linear, type Scope, transformerBlock } from '../../nn/index.js';

export interface VisitInputs {
  /** [batch, slot, feature]: one vector per image; current views first, then earlier visits, newest first */
  readonly pooled: Tensor;
  /** [batch, slot], 1 = there is an image */
  readonly mask: Tensor;
  /** [batch, slot], time of the visit minus the row's, in the study's unit scaled to about 1; ≤ 0 */
  readonly time: Tensor;
  /** [batch, slot] int32, view position, 0 = unknown */
  readonly view: Tensor;
}

export interface VisitOptions {
  readonly width: number;
  readonly heads: number;
  readonly views: number;
  readonly dropout: number;
  /** Off: each visit's embedding as it is. */
  readonly temporal: boolean;
}

export interface VisitTokens {
  /** [batch, slot (+ 1), width] */
  readonly tokens: Tensor;
  readonly mask: Tensor;
}

/** Visit tokens; with the temporal branch a learned no-history token joins rows that have a single image. */
export function visitTokens(scope: Scope, inputs: VisitInputs, options: VisitOptions): VisitTokens {
  const { width } = options;
  const [batch, slots] = inputs.mask.shape;
  const projected = linear(scope.child('project'), inputs.pooled, width); // [batch, slot, width]
  const slot = scope.parameter('slot', [1, slots, width], initializers.truncatedNormal(0.02));
  const time = linear(scope.child('time'), reshape(inputs.time, [batch, slots, 1]), width, { bias: false });
  const view = embedding(scope.child('view'), inputs.view, options.views, width);
  const embedded = add(add(projected, slot), add(time, view));
  if (!options.temporal) return { tokens: embedded, mask: inputs.mask };

  // Time runs forward along the slots from here on: the oldest visit first, the current one last.
  const mask = flip(inputs.mask, [1]);
  const perVisit = reshape(mask, [batch, slots, 1]);
  let sequence = mul(flip(embedded, [1]), perVisit);
  for (const [layer, dilation] of [1, 2].entries()) {
    const update = causalConv(scope.child('tcn').child(layer), sequence, dilation);
    sequence = mul(add(sequence, update), perVisit);
  }
  const attended = transformerBlock(
    scope.child('attention'),
    sequence,
    { heads: options.heads, dropout: options.dropout },
    mask,
  );
  const noHistory = expand(scope.parameter('no_history', [1, 1, width], initializers.truncatedNormal(0.02)), [
    batch,
    1,
    width,
  ]);
  const visits = sum(mask, { axes: [1], keepAxes: true });
  const single = sub(1, cast(greater(visits, 1), 'float32'));
  return { tokens: concat([attended, noHistory], 1), mask: concat([mask, single], 1) };
}

/** conv(gelu(conv(x))) along time, kernel 3: step t sees t, t − d and t − 2d. */
function causalConv(scope: Scope, x: Tensor, dilation: number): Tensor {
  const width = x.shape[2];
  const causal = (name: string, input: Tensor) =>
    conv(scope.child(name), pad(input, [0, 0, 0, 2 * dilation], [0, 0, 0, 0]), width, [1, 3], {
      bias: true,
      dilations: [1, dilation],
      weight: initializers.fanInUniform(),
    });
  const signal = reshape(transpose(x, [0, 2, 1]), [x.shape[0], width, 1, x.shape[1]]); // [batch, width, 1, slot]
  const result = causal('conv2', gelu(causal('conv1', signal)));
  return transpose(reshape(result, [x.shape[0], width, x.shape[1]]), [0, 2, 1]);
}
