/** Layers, initialisers and named parameters. */
export * from './attention.js';
export * as initializers from './initializers.js';
export * from './layers.js';
export { bufferMomentum, type Initializer, type ParameterEntry, ParameterList, Scope } from './scope.js';
