/**
 * Something that is timed, in a process of its own: so peak memory is its own, loading is cold, and a library in any
 * language can stand beside ours. The process reads one line of JSON, its settings, and answers with one that describes
 * it; then, for every further line, a count, it works so many times and answers with the seconds of each and its peak
 * memory so far. It ends when its input does. One that cannot do what the settings ask answers `{ "refused": why }`.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How to start a contender. */
export interface ContenderProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** Variables beside this process's own. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Contender<Description> {
  readonly description: Description;
  /** Works `count` times. @returns seconds of each */
  repeat(count: number): Promise<readonly number[]>;
  /** Peak resident memory of its process up to the last answer, MB of 2²⁰ bytes. */
  peakMegabytes(): number;
  /** Ends the process. */
  close(): Promise<void>;
}

/** The contender cannot do what it was asked; the message is its own. */
export class ContenderRefused extends Error {
  override readonly name = 'ContenderRefused';
}

/** What a contender answers to a count. */
export interface Timings {
  readonly seconds: readonly number[];
  readonly megabytes: number;
}

/**
 * Starts a contender and waits until it is ready.
 * @param settings its first line, as JSON
 * @throws ContenderRefused when it refuses or cannot be started
 * @throws Error when it ends without an answer
 */
export async function openContender<Description>(
  { file, args, env = {} }: ContenderProgram,
  settings: object,
): Promise<Contender<Description>> {
  const child = spawn(file, args, { env: { ...process.env, ...env } });
  child.stderr.pipe(process.stderr, { end: false });
  const ended = new Promise<Error>((resolve) => {
    child.on('error', ({ message }) => resolve(new ContenderRefused(message)));
    child.on('close', (code, signal) => {
      resolve(new Error(`internal: ${file} ${args.join(' ')} ended with ${signal ?? `code ${code}`}`));
    });
  });
  child.stdin.on('error', () => {}); // One that is already gone says so by its exit code.
  const next = linesOf(child);
  const ask = async <Answer>(line: string): Promise<Answer> => {
    child.stdin.write(`${line}\n`);
    const answer = await next();
    if (answer === null) throw await ended;
    return JSON.parse(answer) as Answer;
  };
  const close = async () => {
    child.stdin.end();
    await ended;
  };
  const { refused, ...description } = await ask<{ refused?: string }>(JSON.stringify(settings));
  if (refused !== undefined) {
    await close();
    throw new ContenderRefused(refused);
  }
  let peak = 0;
  return {
    description: description as Description,
    async repeat(count) {
      const { seconds, megabytes } = await ask<Timings>(String(count));
      peak = megabytes;
      return seconds;
    },
    peakMegabytes: () => peak,
    close,
  };
}

/** The lines that a process writes, one by one; `null` once it has ended. */
function linesOf(child: ChildProcessWithoutNullStreams): () => Promise<string | null> {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    const { done, value } = await lines.next();
    return done ? null : value;
  };
}
