/** Threads of `node:worker_threads` that answer requests one after the other. */
import { type TransferListItem, Worker } from 'node:worker_threads';

export interface Thread<Request, Reply> {
  /** @param transfer what of the request is handed over and gone here */
  ask(request: Request, transfer?: readonly TransferListItem[]): Promise<Reply>;
  /** Ends the thread; what it had not done is rejected. */
  close(): Promise<void>;
}

interface Waiting<Reply> {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (fault: Error) => void;
}

/**
 * Starts a thread. It does not keep the process alive while nothing is asked of it.
 * @param script posts one reply for each message, in their order
 * @param settings its `workerData`
 */
export function startThread<Request, Reply>(script: URL, settings: unknown): Thread<Request, Reply> {
  // Without the process's own flags, some of which (--input-type) a file may not be started with.
  const worker = new Worker(script, { workerData: settings, execArgv: [] });
  const waiting: Waiting<Reply>[] = [];
  let ended: Error | null = null;
  const end = (reason: Error): void => {
    ended ??= reason;
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  worker.on('message', (reply: Reply) => {
    const { resolve } = waiting.shift()!;
    if (waiting.length === 0) worker.unref();
    resolve(reply);
  });
  worker.on('error', end);
  worker.on('exit', () => end(new Error('internal: a worker ended before its work was done')));
  worker.unref();
  return {
    ask: (request, transfer = []) =>
      new Promise((resolve, reject) => {
        if (ended !== null) {
          reject(ended);
          return;
        }
        waiting.push({ resolve, reject });
        worker.ref();
        worker.postMessage(request, transfer);
      }),
    close: async () => {
      await worker.terminate();
    },
  };
}
