/**
 * Shows training progress on a stream, normally stderr: one line redrawn in place on a terminal, plain lines
 * (one per epoch, and one every so often within long ones) elsewhere.
 */
import type { EpochStarted, ProgressListener } from '../train/index.js';

/** The part of a writable stream that is needed; `process.stderr` fits. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Options of {@link progressDisplay}. */
export interface ProgressDisplayOptions {
  /** Clock, ms. Default `performance.now`. */
  readonly now?: () => number;
  /** Least time between two plain lines within an epoch, s. Default 30. */
  readonly plainIntervalSeconds?: number;
  /** Least time between two redraws on a terminal, s. Default 0.1. */
  readonly redrawIntervalSeconds?: number;
}

/** A listener that draws; `close` leaves the cursor on a fresh line. */
export interface ProgressDisplay extends ProgressListener {
  close(): void;
}

/** What is known about the epoch under way. */
interface Shown extends EpochStarted {
  readonly batch: number;
  readonly loss: number | null;
}

const eraseLine = '\r\x1b[K';
const widestBar = 30;
const narrowestBar = 5;

/** A display on this stream. */
export function progressDisplay(
  stream: ProgressStream,
  {
    now = () => performance.now(),
    plainIntervalSeconds = 30,
    redrawIntervalSeconds = 0.1,
  }: ProgressDisplayOptions = {},
): ProgressDisplay {
  const inPlace = stream.isTTY === true;
  const interval = 1000 * (inPlace ? redrawIntervalSeconds : plainIntervalSeconds);
  let shown: Shown | null = null;
  let auroc: string | null = null;
  let start = { part: undefined as string | undefined, time: now(), fraction: 0 };
  let epochStarted = now();
  let lastWritten = Number.NEGATIVE_INFINITY;
  let drawn = false;

  const remaining = (view: Shown): string => {
    const done = fractionDone(view) - start.fraction;
    if (done <= 0) return '--:--';
    return formatDuration(((now() - start.time) / 1000) * ((1 - fractionDone(view)) / done));
  };
  const draw = () => {
    if (shown === null) return;
    stream.write(eraseLine + barLine(shown, auroc, remaining(shown), (stream.columns ?? 80) - 1));
    drawn = true;
    lastWritten = now();
  };
  const writeLine = (text: string) => {
    stream.write(`${drawn ? eraseLine : ''}${text}\n`);
    drawn = false;
    lastWritten = now();
  };

  return {
    epochStart: (event) => {
      const first = shown === null || start.part !== event.part;
      shown = { ...event, batch: event.batchesDone ?? 0, loss: null };
      epochStarted = now();
      if (first) {
        start = { part: event.part, time: now(), fraction: fractionDone(shown) };
        auroc = null;
      }
      if (inPlace) draw();
      else if (first) lastWritten = now();
    },
    batch: ({ batch, loss }) => {
      if (shown === null) return;
      shown = { ...shown, batch, loss };
      if (inPlace && (batch === shown.batches || now() - lastWritten >= interval)) draw();
      else if (!inPlace && now() - lastWritten >= interval) {
        writeLine(
          `${nameOf(shown)}: batch ${batch}/${shown.batches}, loss ${loss.toFixed(4)}, ETA ${remaining(shown)}`,
        );
      }
    },
    epochEnd: ({ loss, validationAuroc, improved }) => {
      if (shown === null) return;
      shown = { ...shown, batch: shown.batches, loss };
      auroc = validationAuroc === null ? 'undefined' : validationAuroc.toFixed(3);
      if (inPlace) draw();
      else {
        writeLine(
          `${nameOf(shown)}: loss ${loss.toFixed(4)}, validation AUROC ${auroc}` +
            `${improved ? ' (best so far)' : ''}, ${formatDuration((now() - epochStarted) / 1000)}, ` +
            `ETA ${remaining(shown)}`,
        );
      }
    },
    message: (text) => {
      const redraw = drawn;
      writeLine(text);
      if (redraw) draw();
    },
    close: () => {
      if (drawn) stream.write('\n');
      drawn = false;
    },
  };
}

function fractionDone({ epoch, epochs, batch, batches }: Shown): number {
  return (epoch + batch / batches) / epochs;
}

function nameOf({ part, epoch, epochs }: Shown): string {
  return `${part === undefined ? '' : `${part}, `}epoch ${epoch + 1}/${epochs}`;
}

/** `epoch 2/15 [####------] 12/30  loss 0.1234  AUROC 0.712  ETA 1:05`, cut to the width. */
function barLine(view: Shown, auroc: string | null, eta: string, width: number): string {
  const left = `${nameOf(view)} `;
  const right = [
    ` ${view.batch}/${view.batches}`,
    view.loss === null ? '' : `  loss ${view.loss.toFixed(4)}`,
    auroc === null ? '' : `  AUROC ${auroc}`,
    `  ETA ${eta}`,
  ].join('');
  const room = width - left.length - right.length - 2;
  const bar = Math.max(narrowestBar, Math.min(widestBar, room));
  const filled = Math.floor((bar * view.batch) / view.batches);
  return `${left}[${'#'.repeat(filled)}${'-'.repeat(bar - filled)}]${right}`.slice(0, width);
}

/** `m:ss`, from an hour on `h:mm:ss`. */
function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const pad = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}
