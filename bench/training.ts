/**
 * Images per second and peak memory of training (forward pass, derivatives, AdamW) beside PyTorch in both memory layouts.
 * Before anything is timed, PyTorch's network has to give our logits with our weights.
 *
 *   npm run build && PYTHON=/usr/bin/python3 node dist/bench/training.js          all cases below
 *   … --model densenet-small                                                      one of them
 *   … --model densenet121 --side 224 --batch 8 --rounds 2 --steps 2               any network at any size
 *   … --no-peer --model densenet-small --profile /tmp/step       ONNX Runtime's profile, for dist/bench/profile.js to sum up
 *
 * PYTHON names an interpreter that has torch and torchvision, default python3.
 */
import { runCases } from './sideBySide.js';

await runCases('training', [
  { model: 'densenet121', side: 128, batch: 16, rounds: 5, steps: 8 },
  { model: 'densenet-small', side: 64, batch: 32, rounds: 7, steps: 8 },
  { model: 'deit-s', side: 128, batch: 16, rounds: 5, steps: 8 },
  { model: 'medfusionnet-tiny', side: 128, batch: 16, rounds: 5, steps: 8 },
]);
