#!/usr/bin/env -S node --expose-gc
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
