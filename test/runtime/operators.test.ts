/**
 * Every operator and its gradient on WebAssembly; `operators.slow.ts` does the same on WebGPU. The tests and their assertions
 * are those that `checkCases` makes of each case: values and derivatives against the float64 interpreter.
 */
import { families } from '../graph/cases/families.js';
import { checkCases } from '../graph/check.js';

for (const [family, cases] of Object.entries(families)) {
  checkCases(`${family} on wasm`, cases, { device: 'wasm', emit: ({ emitOptions }) => emitOptions });
}
