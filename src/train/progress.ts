/** What training tells whoever watches it; how that is shown is the watcher's business. */

/** An epoch begins, or goes on after a resume. */
export interface EpochStarted {
  /** 0-based. */
  readonly epoch: number;
  /** Epochs planned; early stopping may end before. */
  readonly epochs: number;
  /** Batches of this epoch. */
  readonly batches: number;
  /** Batches of it that a resumed run had already done. Default 0. */
  readonly batchesDone?: number;
  /** Which of several trainings this is, e.g. `fold 2/5`. */
  readonly part?: string;
}

/** A batch is done. */
export interface BatchDone {
  /** How many batches of the epoch are done, from 1. */
  readonly batch: number;
  /** Mean training loss of the epoch so far, nats. */
  readonly loss: number;
}

/** An epoch and its validation are done. */
export interface EpochDone {
  /** Mean training loss of the epoch, nats. */
  readonly loss: number;
  /** Macro AUROC on the validation rows, null where it is undefined. */
  readonly validationAuroc: number | null;
  /** Best epoch so far. */
  readonly improved: boolean;
}

/** Watches a training; called in the order epochStart, batch …, epochEnd, with messages at any time. */
export interface ProgressListener {
  epochStart(event: EpochStarted): void;
  batch(event: BatchDone): void;
  epochEnd(event: EpochDone): void;
  /** One line of plain text, without patient values. */
  message(text: string): void;
}
