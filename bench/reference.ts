/** What a network makes of random images with random weights, as a file that other frameworks can read. */
import { writeFileSync } from 'node:fs';
import { compile, input, size } from '../src/graph/index.js';
import { encodeSafetensors, type TensorToStore } from '../src/models/index.js';
import { ParameterList, Scope } from '../src/nn/index.js';
import { randomStream } from '../src/random/index.js';
import { Runtime } from '../src/runtime/index.js';
import { findClassifier } from '../src/train/index.js';

const batch = 2;

/**
 * Writes weights and running statistics under their own names, and `#images` and `#logits` (in inference mode). All values
 * are moved a little from where training would start, so that no zero or one hides a part that is missing.
 */
export async function writeReference(
  path: string,
  { model, side, classes }: { readonly model: string; readonly side: number; readonly classes: number },
): Promise<void> {
  const random = randomStream(1, 'reference');
  const list = new ParameterList();
  const images = input('images', [batch, 3, side, side]);
  const logits = findClassifier(model, side).logits(new Scope(list, false), images, classes);
  const tensors: Record<string, TensorToStore> = {};
  for (const { name, shape, values } of list.initialValues(1)) {
    const data = values.map((value) => value * (1 + 0.1 * random.normal()) + 0.02 * random.normal());
    tensors[name] = { shape, data };
  }
  const data = Float32Array.from({ length: size(images.shape) }, () => random.normal());
  const runtime = await Runtime.open();
  const program = compile({ logits }, { embed: (name) => tensors[name].data as Float32Array });
  const executable = await runtime.load(program);
  const result = await executable.run({ images: data });
  await executable.release();
  tensors['#images'] = { shape: images.shape, data };
  tensors['#logits'] = { shape: logits.shape, data: result.logits };
  writeFileSync(path, encodeSafetensors(tensors));
}
