/** A program loaded into ONNX Runtime. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import { ShapeError } from '../errors.js';
import { type Program, type ProgramValue, size } from '../graph/index.js';
import { type Random, randomStream } from '../random/index.js';
import type { Backend, Values } from './backend.js';
import type { DeviceMemory } from './deviceMemory.js';
import { ParameterStore } from './parameters.js';

const arrayOf = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** A session of ONNX Runtime. */
export interface Loaded {
  readonly session: InferenceSession;
  /** Whether some of its nodes run on the host's processor, for want of a kernel on the device. */
  readonly fallsBack: boolean;
}

/** What a session was made with. */
interface Engine {
  readonly backend: Backend;
  /** The device's memory, where parameters stay in it between runs. */
  readonly memory: DeviceMemory | null;
}

export class Executable {
  private running = false;
  private released = false;
  /** The random leaves' buffers, refilled at every run. */
  private readonly randoms: readonly { readonly tensor: OrtTensor; readonly name: string }[];

  /** internal: use `Runtime.load`. */
  constructor(
    readonly program: Program,
    private readonly loaded: Loaded,
    private readonly giveBack: () => Promise<void>,
    private readonly engine: Engine,
    private readonly parameters: ParameterStore = new ParameterStore(),
  ) {
    this.randoms = program.randoms.map(({ name, shape }) => ({
      name,
      tensor: engine.backend.tensor('float32', new Float32Array(size(shape)), shape),
    }));
  }

  /** Whether some of the program's nodes run on the host's processor, for want of a kernel on the device. */
  get fallsBack(): boolean {
    return this.loaded.fallsBack;
  }

  /**
   * Runs the program once: reads inputs, parameters and random numbers; updates parameters; returns the outputs.
   * @param feeds one array per input, row-major; not kept and not changed
   * @param draw seed and step that determine the random numbers; needed when the program has any
   * @returns one new float32 array per output, whatever its type
   * @throws ShapeError when an input is absent or has the wrong length or type
   * @throws Error when the program updates parameters or draws numbers and its previous run has not ended
   */
  async run(
    feeds: Readonly<Record<string, Values>>,
    draw?: { readonly seed: number; readonly step: number },
  ): Promise<Record<string, Float32Array>> {
    if (this.program.updates.size === 0 && this.randoms.length === 0) return this.runAlone(feeds, draw);
    // The buffers of random numbers and next values serve one run at a time.
    if (this.running)
      throw new Error('internal: a program with state cannot run twice at once; await the first run');
    this.running = true;
    try {
      return await this.runAlone(feeds, draw);
    } finally {
      this.running = false;
    }
  }

  private async runAlone(
    feeds: Readonly<Record<string, Values>>,
    draw: { readonly seed: number; readonly step: number } | undefined,
  ): Promise<Record<string, Float32Array>> {
    if (this.released) throw new Error('internal: a released program cannot run; load it again');
    const given: Record<string, OrtTensor> = {};
    for (const value of this.program.inputs) {
      const values = requireValues(value, feeds[value.name]);
      given[value.name] = this.engine.backend.tensor(value.dtype, values, value.shape);
    }
    if (this.randoms.length > 0) {
      if (draw === undefined)
        throw new Error('internal: this program draws random numbers and needs a seed and step');
      const stream = randomStream(draw.seed, 'program', draw.step);
      for (const { name, tensor } of this.randoms) {
        fill(tensor.data as Float32Array, stream);
        given[name] = tensor;
      }
    }
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
    const { parameters, program, loaded } = this;
    const { backend, memory } = this.engine;
    const names = program.parameters.map(({ name }) => name);
    const residents = memory === null ? null : await parameters.residentIn(memory, names);
    if (residents === null) await parameters.download();
    for (const { name, shape } of program.parameters) {
      given[name] = residents?.get(name) ?? backend.tensor('float32', parameters.get(name).values, shape);
    }
    const inPlace = backend.state === 'in-place';
    for (const { name, shape } of program.parameters) {
      const next = program.updates.get(name);
      if (next !== undefined)
        wanted[next] = inPlace ? backend.tensor('float32', parameters.spare(name), shape) : null;
    }
    const results = await loaded.session.run(given, wanted);
    for (const [name, next] of program.updates) {
      if (memory !== null) parameters.replaceResident(name, results[next] as OrtTensor, memory);
      else if (inPlace) parameters.swap(name);
      else parameters.replace(name, results[next].data as Float32Array);
    }
    return results;
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

function requireValues({ name, shape, dtype }: ProgramValue, values: Values | undefined): Values {
  if (values === undefined) throw new ShapeError(`run: input "${name}" is missing; feed ${dtype} [${shape}]`);
  if (values.length !== size(shape) || !(values instanceof arrayOf[dtype])) {
    throw new ShapeError(
      `run: input "${name}" needs ${dtype} [${shape}], got ${values.constructor.name} of length ${values.length}`,
    );
  }
  return values;
}

function fill(values: Float32Array, stream: Random): void {
  for (let i = 0; i < values.length; i++) values[i] = (stream.uint32() >>> 8) / 0x1000000;
}
