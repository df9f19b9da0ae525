/** The `model` section of the study file: size, branches and the switches that ablations turn. */
import { z } from 'zod';

/** Side of the input image in pixels for each size, unless the study names one. */
const imageSideOf = { nano: 64, tiny: 128, base: 224 } as const;

const probability = z.number().min(0).max(0.9);

const weightSource = z.strictObject({
  file: z.string().min(1).optional().describe('Path of a safetensors file, relative to the data.'),
  url: z
    .url({ protocol: /^https?$/, error: 'must be an address that begins with https:// or http://' })
    .optional()
    .describe(
      'Address that it is fetched from once, by a plain GET request, into the cache beside the runs.',
    ),
  sha256: z
    .string({ error: 'must be text; put quotes around it' })
    .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256: 64 hexadecimal digits, lower case')
    .optional()
    .describe("The file's SHA-256, verified before use; required with `url`."),
});

export const modelSection = z
  .strictObject({
    size: z
      .enum(['nano', 'tiny', 'base'])
      .default('nano')
      .describe(
        'nano: minutes on two cores. tiny: 96 to 128 px. base: DenseNet-121 beside DeiT-S at 224 px.',
      ),
    imageSize: z
      .int()
      .min(32)
      .max(1024)
      .multipleOf(32, 'must be a multiple of 32, the stride of the deepest feature map')
      .optional()
      .describe('Side of the square input image, pixels. Default: nano 64, tiny 128, base 224.'),
    channels: z
      .union([z.literal(1), z.literal(3)])
      .default(1)
      .describe('Image channels: 1 = grey, 3 = colour.'),
    contrast: z
      .enum(['recorded', 'local'])
      .default('recorded')
      .describe(
        'recorded: images as they are. local: their differences from the blurred image, which evens out illumination and colour of fundus photographs [graham2015diabetic].',
      ),
    mirror: z
      .boolean()
      .default(false)
      .describe(
        'Predict from each image and its mirror image, and average; wrong wherever the side carries meaning.',
      ),
    modalities: z
      .array(z.enum(['image', 'tabular', 'text']))
      .min(1, 'must name at least one modality')
      .optional()
      .describe('Modalities the model sees. Default: all that `data` declares.'),
    branches: z
      .strictObject({
        cnn: z.boolean().default(true).describe('The dense convolutional branch.'),
        transformer: z.boolean().default(true).describe('The vision-transformer branch.'),
        temporal: z
          .boolean()
          .default(true)
          .describe(
            'The temporal branch over the views and visits of a row; off: each image speaks for itself.',
          ),
      })
      .prefault({})
      .describe('Image branches.'),
    interaction: z
      .boolean()
      .optional()
      .describe(
        'Exchange between the CNN and transformer branches at every stage. Default: on when both are.',
      ),
    pyramid: z.boolean().default(true).describe('Feature pyramids; off: the deepest feature maps alone.'),
    fusion: z
      .enum(['attention', 'concat'])
      .default('attention')
      .describe(
        'How the modalities meet: self-attention with label queries, or concatenation of pooled tokens.',
      ),
    classGate: z
      .boolean()
      .default(true)
      .describe('Gate per label over the fused features, initialised from log-prevalence.'),
    pretrained: z
      .strictObject({
        cnn: weightSource
          .optional()
          .describe("Weights of DenseNet-121 under torchvision's names: one of `file` and `url`."),
        transformer: weightSource
          .optional()
          .describe("Weights of DeiT-S under timm's or torchvision's names: one of `file` and `url`."),
      })
      .optional()
      .describe(
        'Published weights that the image branches start from; they fit size base. Default: none, random initial weights.',
      ),
    text: z
      .strictObject({
        vocabulary: z
          .int()
          .min(64)
          .max(32_000)
          .default(2000)
          .describe('Most word pieces learnt from the training text.'),
        maxTokens: z.int().min(8).max(512).default(64).describe('Word pieces read per row; the rest is cut.'),
      })
      .prefault({})
      .describe('The text encoder.'),
    dropout: probability
      .default(0.1)
      .describe('Dropout probability in the encoders and the fusion, 0 to 0.9.'),
    stochasticDepth: probability
      .default(0.05)
      .describe('Probability of skipping the deepest residual block, rising linearly from 0; 0 to 0.9.'),
    modalityDropout: probability
      .default(0.1)
      .describe('Probability of hiding one whole modality of a training row that has several, 0 to 0.9.'),
  })
  .transform((model) => ({
    ...model,
    imageSize: model.imageSize ?? imageSideOf[model.size],
    interaction: model.interaction ?? (model.branches.cnn && model.branches.transformer),
  }))
  .prefault({})
  .describe('The network.');
