/**
 * Names of emitted values, in the layouts in which they are there: plain, in blocks of channels, or both. Where the runtime
 * convolves in blocks, an image stays in them for as long as the ops that use it can work on them, and is rearranged once when
 * it is first wanted otherwise.
 */
import type { Emitter, Op } from './op.js';
import { fromBlocks, toBlocks } from './ops/blocked.js';
import type { Node, Shape, Tensor } from './tensor.js';

/** internal */
export class EmittedValues {
  private readonly plain = new Map<Tensor, string>();
  private readonly blocked = new Map<Tensor, string>();
  /** Shapes of values in plain layout, by name. */
  readonly shapes = new Map<string, Shape>();

  constructor(private readonly onnx: Emitter) {}

  /** Names a value that is there in plain layout. */
  set(tensor: Tensor, name: string): void {
    this.plain.set(tensor, name);
    this.shapes.set(name, tensor.shape);
  }

  /** The plain value. */
  get(tensor: Tensor): string {
    return rememberedIn(this.plain, tensor, () =>
      fromBlocks(this.onnx, this.blocked.get(tensor)!, tensor.shape[1]),
    );
  }

  /** Emits a node, in blocks where its op has a rule for that and the rule applies. */
  emit(node: Node): void {
    const { attributes, inputs, outputs } = node;
    const op = node.op as unknown as Op<object>;
    const block = this.onnx.options.blockedConvolution;
    const held = inputs.map((tensor) => this.blocked.has(tensor));
    const taken = block === undefined ? null : (op.blocked?.takes(node, attributes, block, held) ?? null);
    const names = inputs.map((tensor, i) => (taken?.includes(i) ? this.inBlocks(tensor) : this.get(tensor)));
    const emitted =
      taken === null || op.blocked?.emit === undefined
        ? op.emit(this.onnx, names, node, attributes)
        : op.blocked.emit(this.onnx, names, node, attributes, block!);
    const gives = taken === null ? 'plain' : op.blocked!.gives;
    outputs.forEach((tensor, i) => {
      if (gives === 'blocks' && tensor.shape.length === 4) this.blocked.set(tensor, emitted[i]);
      else this.set(tensor, emitted[i]);
    });
  }

  private inBlocks(tensor: Tensor): string {
    return rememberedIn(this.blocked, tensor, () => toBlocks(this.onnx, this.plain.get(tensor)!));
  }
}

function rememberedIn(names: Map<Tensor, string>, tensor: Tensor, make: () => string): string {
  const name = names.get(tensor) ?? make();
  names.set(tensor, name);
  return name;
}
