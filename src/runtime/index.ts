/** Runs compiled programs on ONNX Runtime. */
export { type Device, devices, type Values } from './backend.js';
export { Executable } from './executable.js';
export { ParameterStore } from './parameters.js';
export { evaluate, Runtime, type RuntimeOptions } from './runtime.js';
