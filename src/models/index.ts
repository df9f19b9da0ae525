/** Architectures and the files their weights live in. */

export * from './adapt.js';
export * from './convnext.js';
export * from './densenet.js';
export * from './imageClassifiers.js';
export * from './inceptionResnetV2.js';
export * from './medfusionnet/index.js';
export * from './positions.js';
export * from './resnet.js';
export * from './safetensors.js';
export * from './vit.js';
export * from './weights.js';
