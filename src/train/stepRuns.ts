/** Collects the batches of a training into runs of several steps, which cost less than as many runs of one. */
import { type Draw, type Executable, mostSteps, type Values } from '../runtime/index.js';

/** What a batch came to. */
export interface BatchResult {
  readonly loss: number;
  /** Whether its derivatives left float16's range, so that it changed no weights; undefined without loss scaling. */
  readonly skipped?: boolean;
  /** The scale of its loss. */
  readonly lossScale?: number;
}

/** An interrupt, and the progress display, wait for the end of a run. */
const longestRunSeconds = 4;

export class StepRuns {
  private secondsPerStep = longestRunSeconds;

  /** @param accumulate  the program of batches that do not update the weights; null where every batch does */
  constructor(
    private readonly step: Executable,
    private readonly accumulate: Executable | null,
  ) {}

  /**
   * Adds a batch, and runs those that wait once they are many, take long together, or `now` says so.
   * @param feeds  copied
   * @returns what the batches that were run came to, oldest first
   */
  async add(
    { isStep, now }: { readonly isStep: boolean; readonly now: boolean },
    feeds: Readonly<Record<string, Values>>,
    draw: Draw,
  ): Promise<BatchResult[]> {
    const [program, other] = isStep ? [this.step, this.accumulate] : [this.accumulate!, this.step];
    const results = other === null ? [] : await this.run(other);
    if (!program.program.repeated) return [...results, resultOf(await program.run(feeds, draw))];
    program.add(feeds, draw);
    const enough = Math.min(mostSteps, Math.floor(longestRunSeconds / this.secondsPerStep));
    if (now || program.waiting >= enough) results.push(...(await this.run(program)));
    return results;
  }

  private async run(program: Executable): Promise<BatchResult[]> {
    const { waiting } = program;
    if (waiting === 0) return [];
    const started = performance.now();
    const results = await program.runAdded();
    this.secondsPerStep = (performance.now() - started) / 1000 / waiting;
    return results.map(resultOf);
  }
}

function resultOf({ loss, skipped, lossScale }: Readonly<Record<string, Float32Array>>): BatchResult {
  return { loss: loss[0], ...(skipped && { skipped: skipped[0] === 1, lossScale: lossScale[0] }) };
}
