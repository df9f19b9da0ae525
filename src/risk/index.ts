/** Stage 1: interpretable rules, trees and risk tiers from a table. */
export { balancedWeights, type GrowOptions, growTree, sortColumns } from './cart.js';
export {
  type ClassWeight,
  leafOf,
  leafPaths,
  nodeIsPositive,
  nodeProbability,
  type PathStep,
  pruneTree,
  restrictTree,
  type Tree,
} from './tree.js';
