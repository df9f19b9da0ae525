#!/usr/bin/env -S MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296 node --expose-gc
import { runCommandLine } from './program.js';

const interrupt = new AbortController();
process.once('SIGINT', () => {
  process.stderr.write('\nstopping after this batch; press Ctrl-C again to stop at once\n');
  interrupt.abort();
});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  signal: interrupt.signal,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
