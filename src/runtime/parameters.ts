/** Values that programs keep between runs. Several programs (one per batch size, training and inference) share them. */
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import { size } from '../graph/index.js';
import { ortTensor } from './onnxruntime.js';

/** A part of a stored vector under a name of its own. */
interface View {
  readonly of: string;
  readonly offset: number;
  readonly shape: readonly number[];
}

interface Slot {
  current: OrtTensor;
  /** Where the next value is written; swapped with `current` after a run, so that nothing is copied. */
  spare: OrtTensor | null;
}

/** Named float32 arrays with double buffers. */
export class ParameterStore {
  private readonly slots = new Map<string, Slot>();
  private readonly views = new Map<string, View>();

  /** Stores a copy of `values` under a name. @throws Error when the length does not match the shape */
  set(name: string, values: Float32Array, shape: readonly number[]): void {
    if (values.length !== size(shape)) {
      throw new Error(`internal: parameter ${name} of shape [${shape}] got ${values.length} values`);
    }
    this.slots.set(name, {
      current: ortTensor('float32', Float32Array.from(values), shape),
      spare: null,
    });
  }

  /** Names a part of the stored vector `of`; it follows that vector's updates. */
  setView(name: string, of: string, offset: number, shape: readonly number[]): void {
    if (offset + size(shape) > this.slot(of).current.data.length) {
      throw new Error(`internal: view ${name} leaves ${of}`);
    }
    this.views.set(name, { of, offset, shape });
  }

  /** Names of stored values, views not counted. */
  names(): string[] {
    return [...this.slots.keys()];
  }

  /** The live values: valid until the next run that updates them; copy to keep. @throws Error for an unknown name */
  get(name: string): { readonly values: Float32Array; readonly shape: readonly number[] } {
    const view = this.views.get(name);
    if (view !== undefined) {
      const whole = this.get(view.of).values;
      return { values: whole.subarray(view.offset, view.offset + size(view.shape)), shape: view.shape };
    }
    const { current } = this.slot(name);
    return { values: current.data as Float32Array, shape: current.dims };
  }

  /** internal: the tensor to feed. */
  tensor(name: string): OrtTensor {
    if (!this.views.has(name)) return this.slot(name).current;
    const { values, shape } = this.get(name);
    return ortTensor('float32', values, shape);
  }

  /** internal: the buffer for the next value. */
  spare(name: string): OrtTensor {
    const slot = this.slot(name);
    slot.spare ??= ortTensor('float32', new Float32Array(slot.current.data.length), slot.current.dims);
    return slot.spare;
  }

  /** internal: makes the next value the current one. */
  swap(name: string): void {
    const slot = this.slot(name);
    if (slot.spare === null) throw new Error(`internal: parameter ${name} has no next value`);
    [slot.current, slot.spare] = [slot.spare, slot.current];
  }

  private slot(name: string): Slot {
    const slot = this.slots.get(name);
    if (slot === undefined) throw new Error(`internal: parameter ${name} has no value`);
    return slot;
  }
}
