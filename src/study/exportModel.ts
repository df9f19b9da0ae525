/**
 * model.onnx: a trained model as one file for any program that runs ONNX. It takes one row of encoded inputs and
 * returns logits, calibrated probabilities and tiers; the metadata hold all that is needed to encode a row.
 */
import { cast, compile, constant, greaterEqual, input, maximum, mul, type Tensor } from '../graph/index.js';
import { medFusionInputs, medFusionNet } from '../models/index.js';
import { ParameterList, Scope } from '../nn/index.js';
import type { TierModel } from '../risk/index.js';
import { calibrationGraph } from '../train/index.js';
import { medfusionVersion } from './environment.js';
import type { ModelParts } from './trainedSplit.js';

/** What each input holds, for row 0 of a batch of one; `encoder`, `image` and `stage1` are metadata of the file. */
const inputMeanings: Readonly<Record<string, string>> = {
  images:
    'pixels in [0, 1], decoded and fitted as `image` says, then (x - mean) / sd per channel with encoder.image; ' +
    'slots: the row’s views, then those of earlier rows from new to old; an empty slot may hold anything finite',
  visitMask: '1 = the slot holds an image, 0 = empty',
  visitTime:
    '(time of the visit - time of the row) / encoder.image.timeScale, at most 0; 0 for the row itself or where unknown',
  visitView: 'place of the view position in encoder.image.views, from 1; 0 = unknown',
  numeric:
    'the columns of encoder.numeric, (x - mean) / sd held within [-10, 10], 0 where missing; then those of ' +
    'encoder.stage1, as stage1.inputs says: (x - mean) / sd of an imputed feature, or 1 where a rule fires and 0 elsewhere',
  numericMissing: '1 = the column of encoder.numeric is missing; always 0 for those of encoder.stage1',
  categorical:
    'per column of encoder.categorical, the place of the level in its levels, from 1; 0 = missing or unknown',
  textIds: 'word pieces of the notes by encoder.text.vocabulary',
  textMask: '1 = a word piece, 0 = padding',
  present: 'whether the row has an image, a table row, a note: 1 or 0 each',
  tierFloor:
    'per label, the lowest tier that tiers.policy.overrides allow the row: 2 high, 1 medium, 0 where none fires',
};

const outputMeanings = {
  logits: 'per label, before calibration',
  probabilities: 'per label, calibrated, in [0, 1]',
  tiers: 'per label, 0 low, 1 medium, 2 high',
} as const;

/**
 * The bytes of model.onnx. Weights are inside; operators are of the ONNX standard alone.
 * @param name  the study's name, for the metadata
 */
export function exportModel(
  { saved, stage1, weights }: ModelParts,
  { name }: { readonly name: string },
): Uint8Array<ArrayBuffer> {
  const inputs = medFusionInputs(saved.config, 1);
  const logits = medFusionNet(new Scope(new ParameterList(), false), inputs, saved.config);
  const probabilities = calibrationGraph(saved.calibration, logits);
  const graph = { logits, probabilities, tiers: tierGraph(saved.tiers, probabilities) };
  // A branch that is switched off takes its inputs with it: only what the graph reads is described.
  const border = compile(graph);
  const json = JSON.stringify;
  const program = compile(graph, {
    embed: (parameter) => weights.get(parameter)?.values,
    metadata: {
      format: 'medfusion-onnx-1',
      medfusion: medfusionVersion(),
      study: name,
      labels: json(saved.labels),
      inputs: json(
        border.inputs.map((value) => ({ ...value, meaning: meaningOf(value.name, inputMeanings) })),
      ),
      outputs: json(
        border.outputs.map((value) => ({ ...value, meaning: meaningOf(value.name, outputMeanings) })),
      ),
      encoder: json(saved.encoder),
      image: json(saved.image),
      calibration: json(saved.calibration),
      tiers: json(saved.tiers),
      stage1: json(stage1),
    },
  });
  const [absent] = program.parameters;
  if (absent !== undefined) throw new Error(`internal: exportModel: no weights for "${absent.name}"`);
  return program.onnx;
}

function meaningOf(name: string, meanings: Readonly<Record<string, string>>): string {
  if (!Object.hasOwn(meanings, name)) throw new Error(`internal: exportModel: "${name}" is not described`);
  return meanings[name];
}

/**
 * What `assignTiers` does, as a graph: cut points on probability, and the input `tierFloor` [1, label] where declared
 * rules may raise a tier.
 * @param probabilities [1, label]
 * @returns [1, label] int32, 0 low, 1 medium, 2 high
 */
function tierGraph({ labels, policy }: TierModel, probabilities: Tensor): Tensor {
  const shape = [1, labels.length];
  const reaches = (cuts: readonly number[]) =>
    cast(greaterEqual(probabilities, constant(cuts, shape)), 'float32');
  // Without a cut nobody is low, every probability being at least 0; and nobody high, none being 2.
  const medium = reaches(labels.map(({ low }) => low ?? 0));
  const high = reaches(labels.map(({ high }) => high ?? 2));
  const tiers = maximum(medium, mul(high, 2));
  const floor = policy.overrides.length === 0 ? null : cast(input('tierFloor', shape, 'int32'), 'float32');
  return cast(floor === null ? tiers : maximum(tiers, floor), 'int32');
}
