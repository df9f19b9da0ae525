/** What a run keeps of a trained model besides its weights: enough to predict new patients. */
import type { ImageFormat } from '../data/index.js';
import type { MedFusionConfig } from '../models/index.js';
import type { TierModel } from '../risk/index.js';
import type { CalibrationModel, InputEncoder } from '../train/index.js';

/** Plain JSON. */
export interface SavedModel {
  readonly format: 'medfusion-model';
  readonly version: 1;
  readonly labels: readonly string[];
  readonly config: MedFusionConfig;
  readonly encoder: InputEncoder;
  /** How images were decoded; null when the model sees none. */
  readonly image: Required<ImageFormat> | null;
  readonly calibration: CalibrationModel;
  readonly tiers: TierModel;
}
