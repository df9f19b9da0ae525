/** What a MedFusionNet is made of: sizes, inputs and the switches of an ablation. */
import type { DenseNetConfig } from '../densenet.js';
import { denseNetConfigs } from '../densenet.js';
import type { VitConfig } from '../vit.js';

/** Widths and depths of one size. */
export interface MedFusionSize {
  readonly cnn: DenseNetConfig;
  /** `depth` is a multiple of the four CNN stages. */
  readonly transformer: VitConfig;
  /** Channels of both pyramids and width of the fusion. */
  readonly width: number;
  readonly fusionLayers: number;
  readonly heads: number;
  readonly textLayers: number;
  /** Each pyramid level enters the fusion as this many region tokens per side. */
  readonly regionGrid: number;
}

/** nano: CPU, 64 px. tiny: 96–128 px. base: 224 px, DenseNet-121 ∥ DeiT-S. */
export const medFusionSizes = {
  nano: {
    cnn: denseNetConfigs.small,
    transformer: { patch: 16, width: 64, depth: 4, heads: 4 },
    width: 64,
    fusionLayers: 2,
    heads: 4,
    textLayers: 1,
    regionGrid: 2,
  },
  tiny: {
    cnn: { growth: 24, blocks: [4, 8, 12, 8], stemChannels: 48 },
    transformer: { patch: 16, width: 192, depth: 8, heads: 3 },
    width: 128,
    fusionLayers: 2,
    heads: 4,
    textLayers: 2,
    regionGrid: 4,
  },
  base: {
    cnn: denseNetConfigs.densenet121,
    transformer: { patch: 16, width: 384, depth: 12, heads: 6 },
    width: 256,
    fusionLayers: 3,
    heads: 8,
    textLayers: 2,
    regionGrid: 7,
  },
} as const satisfies Record<string, MedFusionSize>;

export interface MedFusionConfig {
  readonly size: keyof typeof medFusionSizes;
  readonly labels: number;
  /** Image inputs; null when the study has none. */
  readonly image: {
    readonly side: number;
    readonly channels: number;
    /** Visit slots per row: the current views first, then earlier visits, newest first. */
    readonly slots: number;
    /** Distinct view positions, index 0 being "unknown". */
    readonly views: number;
    /** At inference, average the logits of the images and of their mirror images. */
    readonly mirror: boolean;
  } | null;
  /** Table inputs; null when the study has none. `levels[i]` counts the codes of categorical column i, 0 = missing. */
  readonly tabular: { readonly numeric: number; readonly levels: readonly number[] } | null;
  /** Text inputs; null when the study has none. */
  readonly text: { readonly vocabulary: number; readonly tokens: number } | null;
  readonly branches: { readonly cnn: boolean; readonly transformer: boolean; readonly temporal: boolean };
  readonly interaction: boolean;
  readonly pyramid: boolean;
  readonly fusion: 'attention' | 'concat';
  readonly classGate: boolean;
  readonly dropout: number;
  readonly stochasticDepth: number;
  /** Prevalence of each label in the training rows, in (0, 1): where the gates start. */
  readonly prevalence: readonly number[];
  /** Logit of each label before anything is learnt: where the head's bias starts. */
  readonly priorLogits: readonly number[];
}

/** The modalities of a row, in the order of the presence mask. */
export const modalityOrder = ['image', 'tabular', 'text'] as const;
