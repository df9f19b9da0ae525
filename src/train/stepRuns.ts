/** Collects the batches of a training into runs of several steps, which cost less than as many runs of one. */
import { type Draw, type Executable, mostSteps, type Values } from '../runtime/index.js';

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
   * @returns the losses of the batches that were run, oldest first
   */
  async add(
    { isStep, now }: { readonly isStep: boolean; readonly now: boolean },
    feeds: Readonly<Record<string, Values>>,
    draw: Draw,
  ): Promise<number[]> {
    const [program, other] = isStep ? [this.step, this.accumulate] : [this.accumulate!, this.step];
    const losses = other === null ? [] : await this.run(other);
    if (!program.program.repeated) {
      const { loss } = await program.run(feeds, draw);
      return [...losses, loss[0]];
    }
    program.add(feeds, draw);
    const enough = Math.min(mostSteps, Math.floor(longestRunSeconds / this.secondsPerStep));
    if (now || program.waiting >= enough) losses.push(...(await this.run(program)));
    return losses;
  }

  private async run(program: Executable): Promise<number[]> {
    const { waiting } = program;
    if (waiting === 0) return [];
    const started = performance.now();
    const results = await program.runAdded();
    this.secondsPerStep = (performance.now() - started) / 1000 / waiting;
    return results.map(({ loss }) => loss[0]);
  }
}
