// The peers' side of the protocol of src/train/bench/contender.ts.
import { createInterface } from 'node:readline';

const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/**
 * @param open settings → { description, work }: `work` is one step, which has ended when its promise is fulfilled. What it
 *   throws at the first step is told as a refusal.
 */
export async function serve(open) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { value } = await lines.next();
  let contender;
  try {
    contender = await open(JSON.parse(value));
    await contender.work();
  } catch (error) {
    answer({ refused: error.message.split('\n')[0] });
    process.exit();
  }
  answer(contender.description);
  for await (const line of { [Symbol.asyncIterator]: () => lines }) {
    const seconds = [];
    for (let i = 0; i < Number(line); i++) {
      const start = performance.now();
      await contender.work();
      seconds.push((performance.now() - start) / 1000);
    }
    answer({ seconds, megabytes: process.resourceUsage().maxRSS / 1024 });
  }
  process.exit(); // A framework's worker threads may still be alive.
}
