/** Runs compiled programs on ONNX Runtime. */
export { type Device, devices, type Values } from './backend.js';
export { type Draw, Executable, mostSteps } from './executable.js';
export { ParameterStore } from './parameters.js';
export { requirePrecision } from './precision.js';
export { evaluate, Runtime, type RuntimeOptions } from './runtime.js';
