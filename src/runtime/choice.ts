/** How `auto` picks a device in Node. */
import type { Choice, Device } from './backend.js';

/** Outcome of running the trial program: its time, or why it did not run. */
export type Trial = { readonly seconds: number } | { readonly failure: string };

/** How many times as fast as the processor an accelerator must be to be picked. */
const worthwhile = 2;

/**
 * Picks the fastest accelerator that is at least twice as fast as the processor, else the processor. ONNX Runtime does
 * not tell Node a software driver from a GPU; the time does, as a driver in software never reaches the processor.
 */
export function chooseBySpeed({
  cpu,
  ...accelerators
}: { readonly cpu: Trial } & Readonly<Partial<Record<Device, Trial>>>): Choice {
  if ('failure' in cpu) throw new Error(`internal: the processor failed its trial: ${cpu.failure}`);
  const remarks: string[] = [];
  let fastest: { device: Device; ratio: number } | null = null;
  for (const [device, trial] of Object.entries(accelerators) as [Device, Trial][]) {
    if ('failure' in trial) {
      remarks.push(`${device} does not work here (${trial.failure})`);
      continue;
    }
    const ratio = cpu.seconds / trial.seconds;
    remarks.push(`${device} is ${ratio.toPrecision(2)} times as fast as cpu`);
    if (ratio >= worthwhile && ratio > (fastest?.ratio ?? 0)) fastest = { device, ratio };
  }
  const rule = fastest === null ? `none is at least ${worthwhile} times as fast as cpu` : 'the fastest';
  return { device: fastest?.device ?? 'cpu', reason: `${rule}: ${remarks.join('; ')}` };
}
