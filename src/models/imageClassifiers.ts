/** The networks that need nothing but an image, by name: what is measured and compared without a study. One entry each. */
import { constant, reshape, type Tensor } from '../graph/index.js';
import type { Scope } from '../nn/index.js';
import { convNext, convNextConfigs } from './convnext.js';
import { denseNet, denseNetConfigs } from './densenet.js';
import { type MedFusionConfig, medFusionNet, modalityOrder } from './medfusionnet/index.js';
import { resNet, resNetConfigs } from './resnet.js';
import { vit, vitConfigs } from './vit.js';

export interface ImageClassifier {
  /** Image side that the configuration is published for or meant for, pixels. */
  readonly side: number;
  /** Image sides must be multiples of this: the network's largest stride. */
  readonly stride: number;
  /**
   * The network.
   * @param images [batch, channel, side, side]
   * @returns logits [batch, classes]
   */
  readonly logits: (scope: Scope, images: Tensor, classes: number) => Tensor;
}

/** MedFusionNet with one colour image per row, no table and no notes; else as the study file's defaults have it. */
function medFusion(size: MedFusionConfig['size']): ImageClassifier['logits'] {
  return (scope, images, classes) => {
    const [batch, channels, side] = images.shape;
    const inputs = {
      images: reshape(images, [batch, 1, channels, side, side]),
      visitMask: constant(1, [batch, 1]),
      visitTime: constant(0, [batch, 1]),
      visitView: constant(0, [batch, 1], 'int32'),
      present: constant(1, [batch, modalityOrder.length]),
    };
    return medFusionNet(scope, inputs, {
      size,
      labels: classes,
      image: { side, channels, slots: 1, views: 1, mirror: false },
      tabular: null,
      text: null,
      branches: { cnn: true, transformer: true, temporal: true },
      interaction: true,
      pyramid: true,
      fusion: 'attention',
      classGate: true,
      dropout: 0.1,
      stochasticDepth: 0.05,
      prevalence: new Array<number>(classes).fill(0.1),
      priorLogits: new Array<number>(classes).fill(Math.log(0.1 / 0.9)),
    });
  };
}

export const imageClassifiers = {
  densenet121: {
    side: 224,
    stride: 32,
    logits: (scope, images, classes) => denseNet(scope, images, denseNetConfigs.densenet121, classes),
  },
  'densenet-small': {
    side: 64,
    stride: 32,
    logits: (scope, images, classes) => denseNet(scope, images, denseNetConfigs.small, classes),
  },
  'deit-s': {
    side: 224,
    stride: 16,
    logits: (scope, images, classes) => vit(scope, images, vitConfigs['deit-s'], classes),
  },
  'vit-b': {
    side: 224,
    stride: 16,
    logits: (scope, images, classes) => vit(scope, images, vitConfigs['vit-b'], classes),
  },
  resnet50: {
    side: 224,
    stride: 32,
    logits: (scope, images, classes) => resNet(scope, images, resNetConfigs.resnet50, classes),
  },
  'convnext-tiny': {
    side: 224,
    stride: 32,
    logits: (scope, images, classes) => convNext(scope, images, convNextConfigs.convnext_tiny, classes),
  },
  'medfusionnet-nano': { side: 64, stride: 32, logits: medFusion('nano') },
  'medfusionnet-tiny': { side: 128, stride: 32, logits: medFusion('tiny') },
  'medfusionnet-base': { side: 224, stride: 32, logits: medFusion('base') },
} as const satisfies Record<string, ImageClassifier>;

export type ImageClassifierName = keyof typeof imageClassifiers;
