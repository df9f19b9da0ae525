/** A program of its own: `node deviceRun.js CASE DEVICE` prints a `CaseResult` as JSON. */
import { type CaseName, runCase } from './deviceCases.js';

const result = await runCase(process.argv[2] as CaseName, { device: process.argv[3], threads: 2 });
process.stdout.write(JSON.stringify(result));
