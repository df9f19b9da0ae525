/** Our side of the protocol of contender.ts: the program of a process that runs one workload. */
import { createInterface } from 'node:readline';
import { isUserError } from '../../errors.js';
import type { Timings } from './contender.js';
import { openWorkload, type Workload, type WorkloadSettings } from './workload.js';

const answer = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function openOrRefuse(settings: WorkloadSettings): Promise<Workload | null> {
  try {
    return await openWorkload(settings);
  } catch (error) {
    if (!isUserError(error)) throw error;
    answer({ refused: error.message });
    return null;
  }
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
const workload = first.done ? null : await openOrRefuse(JSON.parse(first.value) as WorkloadSettings);
if (workload !== null) {
  answer(workload.description);
  for await (const line of { [Symbol.asyncIterator]: () => lines }) {
    const seconds = await workload.repeat(Number(line));
    answer({ seconds, megabytes: process.resourceUsage().maxRSS / 1024 } satisfies Timings);
  }
  await workload.close();
}
process.stdin.destroy();
