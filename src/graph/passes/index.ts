/**
 * Passes over an ONNX graph before it is encoded. Each takes a graph and returns one of the same inputs, outputs and values.
 * Nodes stay in their order, by which the runtime decides what it computes first and so how much memory it takes.
 */
import type { OnnxGraph } from '../onnx.js';
import { mergeCommonSubexpressions } from './commonSubexpressions.js';
import { foldConstants } from './constantFolding.js';
import { dropDeadCode } from './deadCode.js';
import { fuseBlocked } from './fuseBlocked.js';
import { dropIdentities } from './identities.js';

/** In this order: folding uncovers identities, these make nodes equal, and all of them leave nodes that nothing reads. */
const passes = [foldConstants, dropIdentities, mergeCommonSubexpressions, dropDeadCode, fuseBlocked];

/** The same graph with fewer nodes. */
export function optimize(graph: OnnxGraph): OnnxGraph {
  return passes.reduce((result, pass) => pass(result), graph);
}
