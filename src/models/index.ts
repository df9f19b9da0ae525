/** Architectures and the files their weights live in. */

export * from './densenet.js';
export * from './medfusionnet/index.js';
export * from './safetensors.js';
export * from './vit.js';
export * from './weights.js';
