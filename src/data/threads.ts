/**
 * Threads of `node:worker_threads` that answer requests one after the other. A thread whose user is done with it waits for
 * the next one, since its start and its compiling take as long as a hundred images: trainings follow each other, one for
 * each fold and seed.
 */
import { Worker } from 'node:worker_threads';

export interface Thread<Request, Reply> {
  ask(request: Request): Promise<Reply>;
  /** Gives the thread back; what it had not done is rejected. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (reply: never) => void;
  readonly reject: (fault: Error) => void;
}

/** A running thread, whoever uses it. */
interface Running {
  readonly worker: Worker;
  readonly waiting: Waiting[];
  ended: Error | null;
}

/** Threads without a user, by script; no more than so many of one script. */
const idle = new Map<string, Running[]>();
const mostIdle = 8;

/**
 * Takes a thread that waits, or starts one. It does not keep the process alive while nothing is asked of it.
 * @param script posts one reply for each message, in their order, and keeps nothing that a reply depends on
 */
export function takeThread<Request, Reply>(script: URL): Thread<Request, Reply> {
  const running = idle.get(script.href)?.pop() ?? start(script);
  const { worker, waiting } = running;
  let closed = false;
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        const refusal = closed
          ? new Error('internal: a thread was asked after it was given back')
          : running.ended;
        if (refusal !== null) {
          reject(refusal);
          return;
        }
        waiting.push({ resolve, reject });
        worker.ref();
        worker.postMessage(request);
      }),
    close: async () => {
      if (closed) return;
      closed = true;
      const others = idle.get(script.href) ?? [];
      if (running.ended === null && waiting.length === 0 && others.length < mostIdle) {
        idle.set(script.href, [...others, running]);
      } else await worker.terminate();
    },
  };
}

function start(script: URL): Running {
  // Without the process's own flags, some of which (--input-type) a file may not be started with.
  const worker = new Worker(script, { execArgv: [] });
  const running: Running = { worker, waiting: [], ended: null };
  const { waiting } = running;
  const end = (reason: Error): void => {
    running.ended ??= reason;
    for (const { reject } of waiting.splice(0)) reject(running.ended);
    const others = idle.get(script.href) ?? [];
    idle.set(
      script.href,
      others.filter((other) => other !== running),
    );
  };
  worker.on('message', (reply: unknown) => {
    const { resolve } = waiting.shift()!;
    if (waiting.length === 0) worker.unref();
    resolve(reply as never);
  });
  worker.on('error', end);
  worker.on('exit', () => end(new Error('internal: a worker ended before its work was done')));
  worker.unref();
  return running;
}
