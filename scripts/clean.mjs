// Removes compiled output, so that a deleted source file leaves no stale program behind.
import { rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
