/** All cases of all ops. */
import type { Case } from '../check.js';
import { arrangeCases } from './arrange.js';
import { convCases } from './conv.js';
import { drawnConvolutions, drawnPools } from './drawn.js';
import { elementwiseCases } from './elementwise.js';
import { normCases } from './norm.js';
import { poolCases } from './pool.js';
import { reduceCases } from './reduce.js';

export const families = {
  elementwise: elementwiseCases,
  arrange: arrangeCases,
  reduce: reduceCases,
  conv: [...convCases, ...drawnConvolutions(30)],
  pool: [...poolCases, ...drawnPools(30)],
  norm: normCases,
} as const satisfies Record<string, readonly Case[]>;
