/** Values that programs keep between runs. Several programs (one per batch size, training and inference) share them. */
import type { Tensor as OrtTensor } from 'onnxruntime-common';
import { size } from '../graph/index.js';
import type { DeviceMemory } from './deviceMemory.js';

/** A part of a stored vector under a name of its own. */
interface View {
  readonly of: string;
  readonly offset: number;
  readonly shape: readonly number[];
}

interface Slot {
  readonly shape: readonly number[];
  current: Float32Array;
  /** The value in a device's memory, where one is kept. */
  resident: Resident | null;
}

interface Resident {
  readonly tensor: OrtTensor;
  readonly memory: DeviceMemory;
  /** Whether a run has updated it since it was copied from `current`. */
  readonly newer: boolean;
}

/** Named float32 arrays: on the host, or in a device's memory between runs there. */
export class ParameterStore {
  private readonly slots = new Map<string, Slot>();
  private readonly views = new Map<string, View>();

  /** Stores a copy of `values` under a name. @throws Error when the length does not match the shape */
  set(name: string, values: Float32Array, shape: readonly number[]): void {
    if (values.length !== size(shape)) {
      throw new Error(`internal: parameter ${name} of shape [${shape}] got ${values.length} values`);
    }
    const before = this.slots.get(name);
    if (before !== undefined) dropResident(before);
    this.slots.set(name, { shape, current: Float32Array.from(values), resident: null });
  }

  /** Names a part of the stored vector `of`; it follows that vector's updates. */
  setView(name: string, of: string, offset: number, shape: readonly number[]): void {
    if (offset + size(shape) > this.slot(of).current.length) {
      throw new Error(`internal: view ${name} leaves ${of}`);
    }
    this.views.set(name, { of, offset, shape });
  }

  /** Names of stored values, views not counted. */
  names(): string[] {
    return [...this.slots.keys()];
  }

  /**
   * The live values: valid until the next run that updates them; copy to keep.
   * @throws Error for an unknown name, or for values that a run on a device has updated and `download` has not fetched
   */
  get(name: string): { readonly values: Float32Array; readonly shape: readonly number[] } {
    const view = this.views.get(name);
    if (view !== undefined) {
      const whole = this.get(view.of).values;
      return { values: whole.subarray(view.offset, view.offset + size(view.shape)), shape: view.shape };
    }
    const slot = this.slot(name);
    if (slot.resident?.newer) throw new Error(`internal: parameter ${name} is on a device; await download()`);
    // Whoever gets the live values may write to them, so the host's are the ones that count from here.
    dropResident(slot);
    return { values: slot.current, shape: slot.shape };
  }

  /** Fetches from the devices what runs have updated there; on `cpu` nothing ever is. */
  async download(): Promise<void> {
    await fetch([...this.slots.values()]);
  }

  /** Frees what lies in devices' memory; updates that were not downloaded are lost. */
  release(): void {
    for (const slot of this.slots.values()) dropResident(slot);
  }

  /** internal: those of the names that are stored whole, in a device's memory; what is not there yet is copied. */
  async residentIn(memory: DeviceMemory, names: readonly string[]): Promise<Map<string, OrtTensor>> {
    const viewed = names.flatMap((name) => this.views.get(name)?.of ?? []);
    const whole = names
      .filter((name) => !this.views.has(name))
      .map((name) => [name, this.slot(name)] as const);
    const absent = whole.map(([, slot]) => slot).filter(({ resident }) => resident?.memory !== memory);
    await fetch([...absent, ...viewed.map((name) => this.slot(name))]);
    const tensors = await memory.upload(absent.map(({ current, shape }) => ({ values: current, shape })));
    absent.forEach((slot, i) => {
      dropResident(slot);
      slot.resident = { tensor: tensors[i], memory, newer: false };
    });
    return new Map(whole.map(([name, { resident }]) => [name, resident!.tensor]));
  }

  /** internal: makes an array that a run returned the current value; it is kept. */
  replace(name: string, next: Float32Array): void {
    const slot = this.slot(name);
    slot.current = next;
    dropResident(slot);
  }

  /** internal: makes a tensor that a run left in a device's memory the current value; it is kept. */
  replaceResident(name: string, tensor: OrtTensor, memory: DeviceMemory): void {
    const slot = this.slot(name);
    dropResident(slot);
    slot.resident = { tensor, memory, newer: true };
  }

  private slot(name: string): Slot {
    const slot = this.slots.get(name);
    if (slot === undefined) throw new Error(`internal: parameter ${name} has no value`);
    return slot;
  }
}

function dropResident(slot: Slot): void {
  slot.resident?.tensor.dispose();
  slot.resident = null;
}

/** Brings the hosts' copies up to date. */
async function fetch(slots: readonly Slot[]): Promise<void> {
  const newer = slots.filter(({ resident }) => resident?.newer);
  for (const memory of new Set(newer.map(({ resident }) => resident!.memory))) {
    const here = newer.filter(({ resident }) => resident!.memory === memory);
    const values = await memory.download(here.map(({ resident }) => resident!.tensor));
    here.forEach((slot, i) => {
      slot.current = values[i];
      slot.resident = { ...slot.resident!, newer: false };
    });
  }
}
