/** Architectures and the files their weights live in. */
export * from './safetensors.js';
