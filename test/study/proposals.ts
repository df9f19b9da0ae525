/** Studies that `init` proposes, read back as they were written. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Cohort, loadCohort } from '../../src/data/index.js';
import { initStudy, parseStudy, resolveStudy, type Study, studySplits } from '../../src/study/index.js';
import { scratchFolder } from './tinyStudy.js';

export interface Proposed {
  readonly study: Study;
  readonly cohort: Cohort;
  readonly yaml: string;
  readonly messages: string;
}

/** A folder of this name, and what writes tables and proposes studies there. */
export function proposals(name: string) {
  const folder = scratchFolder(name);
  let files = 0;
  /** Proposes a study of a table, reads it as it was written, and splits it. */
  async function proposed(table: string, images?: string): Promise<Proposed> {
    const out = join(folder, `study-${files++}.yaml`);
    const messages: string[] = [];
    const { yaml, path } = await initStudy({ table, images, out, say: (message) => messages.push(message) });
    assert.equal(path, out);
    assert.equal(await readFile(out, 'utf8'), yaml);
    const study = parseStudy(yaml, out);
    const resolved = resolveStudy(study, { studyFile: out });
    const cohort = await loadCohort(resolved.cohort);
    if (!/decide: no split/.test(messages.join()))
      for (const split of await studySplits(resolved, cohort)) assert.ok(split.test.length > 0);
    return { study, cohort, yaml, messages: messages.join('\n') };
  }

  async function written(csv: string, name = `table-${files++}.csv`): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, name.endsWith('.gz') ? gzipSync(csv) : csv);
    return path;
  }

  return { folder, proposed, written };
}
