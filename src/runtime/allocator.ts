/**
 * Memory of programs in Node on Linux. A training step asks for the same buffers at every run. ONNX Runtime's arena keeps them
 * between runs, at the cost of blocks that are larger than what they hold; glibc's malloc packs them better, but gives them
 * back to the system after every run, unless it is told to keep them, which it can only be when the process starts.
 */

/** Variables under which glibc's malloc keeps what is freed. The first line of the command's program sets the same. */
export const allocatorEnvironment = {
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '4294967296',
};

/** Whether this process runs under these variables, so that programs need no arena. */
export const keepsFreedMemory = (): boolean =>
  process.platform === 'linux' &&
  Object.entries(allocatorEnvironment).every(([name, value]) => process.env[name] === value);
