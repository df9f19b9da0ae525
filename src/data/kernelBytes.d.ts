/** The WebAssembly of `assembly/`, base64; written into `dist` by scripts/kernels.mjs. */
export const kernelBytes: string;
