/** A program loaded into ONNX Runtime. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import { ShapeError } from '../errors.js';
import { type Program, type ProgramValue, size, stepCount } from '../graph/index.js';
import { randomStream } from '../random/index.js';
import type { Backend, Values } from './backend.js';
import type { DeviceMemory } from './deviceMemory.js';
import { ParameterStore } from './parameters.js';

const arrayOf = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** A session of ONNX Runtime. */
export interface Loaded {
  readonly session: InferenceSession;
  /** Whether some of its nodes run on the host's processor, for want of a kernel on the device. */
  readonly fallsBack: boolean;
  /** Whether it was made from an optimised program in the cache. */
  readonly fromCache: boolean;
}

/** What a session was made with. */
interface Engine {
  readonly backend: Backend;
  /** The device's memory, where parameters stay in it between runs. */
  readonly memory: DeviceMemory | null;
}

/** Most steps of one run. What a run costs besides its steps, copies of the parameters above all, is spread thin by then. */
export const mostSteps = 8;

/** Seed and step that determine a step's random numbers. */
export interface Draw {
  readonly seed: number;
  readonly step: number;
}

/** Bytes that runs leave behind, after which they are collected: V8 is slow to notice memory that is not its own. */
const mostLeft = 2 ** 26;

export class Executable {
  private running = false;
  private left = 0;
  private released = false;
  /** What the inputs of the steps of a run are copied to and their masks drawn in, one step behind the other. */
  private readonly stacks: readonly { readonly value: ProgramValue; readonly values: Values }[];
  private added = 0;

  /** internal: use `Runtime.load`. */
  constructor(
    readonly program: Program,
    private readonly loaded: Loaded,
    private readonly giveBack: () => Promise<void>,
    private readonly engine: Engine,
    private readonly parameters: ParameterStore = new ParameterStore(),
  ) {
    const steps = program.repeated ? mostSteps : 1;
    this.stacks = [...(program.repeated ? program.inputs : []), ...program.randoms].map((value) => ({
      value,
      values: new arrayOf[value.dtype](steps * size(value.shape)),
    }));
  }

  /** Whether some of the program's nodes run on the host's processor, for want of a kernel on the device. */
  get fallsBack(): boolean {
    return this.loaded.fallsBack;
  }

  /** Whether ONNX Runtime had optimised the program in an earlier process, and it was read from the cache. */
  get fromCache(): boolean {
    return this.loaded.fromCache;
  }

  /**
   * Runs the program once: reads inputs, parameters and random numbers; updates parameters; returns the outputs.
   * @param feeds one array per input, row-major; not kept and not changed
   * @param draw needed when the program has random numbers
   * @returns one new float32 array per output, whatever its type
   * @throws ShapeError when an input is absent or has the wrong length or type
   * @throws Error when the program updates parameters or draws numbers and its previous run has not ended
   */
  async run(feeds: Readonly<Record<string, Values>>, draw?: Draw): Promise<Record<string, Float32Array>> {
    if (this.program.repeated) {
      this.add(feeds, draw);
      return (await this.runAdded())[0];
    }
    if (this.program.updates.size === 0 && this.stacks.length === 0) return this.runOnce(feeds, draw);
    return this.alone(() => this.runOnce(feeds, draw));
  }

  /**
   * Puts a step behind those that the next `runAdded` will do, for a program that was compiled with `repeat`.
   * @param feeds, draw  as for `run`; copied
   * @throws ShapeError as `run`
   * @throws Error when `mostSteps` wait already, or a run has not ended
   */
  add(feeds: Readonly<Record<string, Values>>, draw?: Draw): void {
    if (!this.program.repeated) throw new Error('internal: only a program compiled with repeat takes steps');
    if (this.running || this.added === mostSteps)
      throw new Error(`internal: ${mostSteps} steps wait, or a run has not ended; await runAdded()`);
    this.copyStep(feeds, draw, this.added);
    this.added++;
  }

  /** Steps that wait for `runAdded`. */
  get waiting(): number {
    return this.added;
  }

  /**
   * Runs the added steps in their order, in one call. The values are the same bits as those of as many single runs.
   * @returns the outputs of each step, as `run` returns them
   */
  async runAdded(): Promise<Record<string, Float32Array>[]> {
    const count = this.added;
    if (count === 0) return [];
    return this.alone(async () => {
      try {
        const given = this.stacked(count);
        given[stepCount] = this.engine.backend.tensor('int64', BigInt64Array.of(BigInt(count)), []);
        const outputs = await this.outputsOf(given);
        return Array.from({ length: count }, (_, i) =>
          Object.fromEntries(
            this.program.outputs.map(({ name, shape }) => {
              const length = size(shape);
              return [name, outputs[name].slice(i * length, (i + 1) * length)];
            }),
          ),
        );
      } finally {
        this.added = 0;
      }
    });
  }

  /** Buffers of random numbers and the parameters serve one run at a time. */
  private async alone<T>(run: () => Promise<T>): Promise<T> {
    if (this.running)
      throw new Error('internal: a program with state cannot run twice at once; await the first run');
    this.running = true;
    try {
      return await run();
    } finally {
      this.running = false;
    }
  }

  private runOnce(
    feeds: Readonly<Record<string, Values>>,
    draw: Draw | undefined,
  ): Promise<Record<string, Float32Array>> {
    const given: Record<string, OrtTensor> = {};
    for (const value of this.program.inputs) {
      const values = requireValues(value, feeds[value.name]);
      given[value.name] = this.engine.backend.tensor(value.dtype, values, value.shape);
    }
    this.copyStep(feeds, draw, 0);
    for (const { value, values } of this.stacks)
      given[value.name] = this.engine.backend.tensor(value.dtype, values, value.shape);
    return this.outputsOf(given);
  }

  /** Copies a step's inputs and draws its random numbers, behind those of `place` steps. */
  private copyStep(feeds: Readonly<Record<string, Values>>, draw: Draw | undefined, place: number): void {
    const probabilities = new Map<ProgramValue, number>(
      this.program.randoms.map((value) => [value, value.probability]),
    );
    if (probabilities.size > 0 && draw === undefined)
      throw new Error('internal: this program draws random numbers and needs a seed and step');
    const stream = draw === undefined ? null : randomStream(draw.seed, 'program', draw.step);
    for (const { value, values } of this.stacks) {
      const length = size(value.shape);
      const part = values.subarray(place * length, (place + 1) * length);
      const probability = probabilities.get(value);
      if (probability !== undefined) stream!.fillBernoulli(part as Uint8Array, probability);
      else part.set(requireValues(value, feeds[value.name]));
    }
  }

  private stacked(count: number): Record<string, OrtTensor> {
    return Object.fromEntries(
      this.stacks.map(({ value: { name, dtype, shape }, values }) => [
        name,
        this.engine.backend.tensor(dtype, values.subarray(0, count * size(shape)), [count, ...shape]),
      ]),
    );
  }

  /** Runs the session once; returns the outputs as float32. */
  private async outputsOf(given: Record<string, OrtTensor>): Promise<Record<string, Float32Array>> {
    if (this.released) throw new Error('internal: a released program cannot run; load it again');
    const wanted: Record<string, OrtTensor | null> = {};
    for (const { name } of this.program.outputs) wanted[name] = null;
    const results = await this.runWithState(given, wanted);
    return Object.fromEntries(
      this.program.outputs.map(({ name, dtype }) => {
        const values = results[name].data as Values;
        return [name, dtype === 'float32' ? (values as Float32Array) : Float32Array.from(values)];
      }),
    );
  }

  /** Adds parameters to what is given and wanted, runs, and makes their next values the current ones. */
  private async runWithState(
    given: Record<string, OrtTensor>,
    wanted: Record<string, OrtTensor | null>,
  ): Promise<InferenceSession.OnnxValueMapType> {
    this.collect();
    const { parameters, program, loaded } = this;
    const { backend, memory } = this.engine;
    const names = program.parameters.map(({ name }) => name);
    const residents = memory === null ? null : await parameters.residentIn(memory, names);
    if (residents === null) await parameters.download();
    for (const { name, shape } of program.parameters) {
      given[name] = residents?.get(name) ?? backend.tensor('float32', parameters.get(name).values, shape);
    }
    const inPlace = backend.state === 'written' && program.repeated;
    for (const [name, next] of program.updates) wanted[next] = inPlace ? given[name] : null;
    const results = await loaded.session.run(given, wanted);
    for (const [name, next] of inPlace ? [] : program.updates) {
      if (memory !== null) parameters.replaceResident(name, results[next] as OrtTensor, memory);
      else parameters.replace(name, results[next].data as Float32Array);
    }
    if (memory === null) this.left += 4 * updatedNumbers(program);
    return results;
  }

  /** Has the arrays of earlier runs collected once they are many, where Node was started with --expose-gc. */
  private collect(): void {
    if (this.left < mostLeft) return;
    this.left = 0;
    globalThis.gc?.();
  }

  /** Gives the session back; the parameters stay. The executable cannot run afterwards. */
  async release(): Promise<void> {
    if (this.released) return;
    this.released = true;
    await this.giveBack();
  }

  /** internal: writes the profile, when profiling was asked for. */
  endProfiling(): void {
    this.loaded.session.endProfiling();
  }
}

/** Numbers of all parameters that a program updates: a run leaves as many in arrays that nobody needs. */
function updatedNumbers({ parameters, updates }: Program): number {
  return parameters.reduce((sum, { name, shape }) => sum + (updates.has(name) ? size(shape) : 0), 0);
}

function requireValues({ name, shape, dtype }: ProgramValue, values: Values | undefined): Values {
  if (values === undefined) throw new ShapeError(`run: input "${name}" is missing; feed ${dtype} [${shape}]`);
  if (values.length !== size(shape) || !(values instanceof arrayOf[dtype])) {
    throw new ShapeError(
      `run: input "${name}" needs ${dtype} [${shape}], got ${values.constructor.name} of length ${values.length}`,
    );
  }
  return values;
}
