/** Runs compiled programs on ONNX Runtime. */
export { Executable, type Values } from './executable.js';
export { ParameterStore } from './parameters.js';
export { type Device, devices, evaluate, Runtime, type RuntimeOptions } from './runtime.js';
