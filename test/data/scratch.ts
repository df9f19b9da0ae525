/** Temporary folders and the real data for tests of src/data. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { TestContext } from 'node:test';

/** A folder that is gone when the test ends, holding the given files by relative path. */
export function scratchFolder(
  t: TestContext,
  files: Readonly<Record<string, string | Uint8Array>> = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), 'medfusion-data-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Absolute path of a file of the real data; null, with the test skipped aloud, where it is absent. */
export function realData(t: TestContext, name: string): string | null {
  const path = resolve(process.env.MEDFUSION_DATA ?? '../shared/data', name);
  if (existsSync(path)) return path;
  t.skip(`${path} is absent; set MEDFUSION_DATA to the folder of the real data`);
  return null;
}
