/**
 * Images per second, latency and peak memory of prediction beside PyTorch in both memory layouts. Flags and checks as in
 * training.ts.
 *
 *   npm run build && PYTHON=/usr/bin/python3 node dist/bench/inference.js
 *   … --model densenet121 --batch 1
 */
import { runCases } from './sideBySide.js';

await runCases('inference', [
  { model: 'densenet121', side: 224, batch: 8, rounds: 7, steps: 5 },
  { model: 'densenet121', side: 224, batch: 1, rounds: 7, steps: 20 },
  { model: 'medfusionnet-base', side: 224, batch: 8, rounds: 5, steps: 3 },
  { model: 'medfusionnet-base', side: 224, batch: 1, rounds: 5, steps: 10 },
]);
