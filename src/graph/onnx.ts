/**
 * Writes ONNX models (protobuf, IR version 9). Field numbers are those of onnx.proto3 of the ONNX project.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { OnnxAttribute, OnnxAttributes } from './op.js';

/** Element types by ONNX's numbers. */
export const onnxType = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10 } as const;
export type OnnxDType = keyof typeof onnxType;

export interface OnnxNode {
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: OnnxAttributes;
  /** What a `Loop` repeats. */
  readonly body?: OnnxGraph;
}

export interface OnnxValue {
  readonly name: string;
  readonly dtype: OnnxDType;
  /** Extents; a name stands for one that each run settles. Null: left open. */
  readonly shape: readonly (number | string)[] | null;
}

export interface OnnxInitializer {
  readonly name: string;
  readonly dtype: OnnxDType;
  readonly shape: readonly number[];
  /** Little-endian elements. */
  readonly bytes: Uint8Array;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxInitializer[];
  /** Shapes of values inside, as far as they are known; not written. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>;
}

export interface OnnxModel extends OnnxGraph {
  readonly metadata: Readonly<Record<string, string>>;
}

/** The ONNX operator set that every op emits for. */
export const opset = 20;

/** Serialises a model. */
export function encodeOnnx(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  varint(writer, 1, 9); // ir_version
  text(writer, 2, 'medfusion'); // producer_name
  message(writer, 7, (graph) => writeGraph(graph, model));
  const domains = new Map([['', opset]]);
  const nodes = model.nodes.flatMap((node) => [node, ...(node.body?.nodes ?? [])]);
  for (const node of nodes) if (node.domain !== '') domains.set(node.domain, 1);
  for (const [domain, version] of domains) {
    message(writer, 8, (field) => {
      text(field, 1, domain);
      varint(field, 2, version);
    });
  }
  for (const [key, value] of Object.entries(model.metadata)) {
    message(writer, 14, (field) => {
      text(field, 1, key);
      text(field, 2, value);
    });
  }
  return writer.finish() as Uint8Array<ArrayBuffer>;
}

function writeGraph(writer: BinaryWriter, graph: OnnxGraph): void {
  for (const node of graph.nodes) message(writer, 1, (field) => writeNode(field, node));
  text(writer, 2, 'medfusion');
  for (const initializer of graph.initializers)
    message(writer, 5, (field) => writeInitializer(field, initializer));
  for (const value of graph.inputs) message(writer, 11, (field) => writeValue(field, value));
  for (const value of graph.outputs) message(writer, 12, (field) => writeValue(field, value));
}

function writeNode(writer: BinaryWriter, node: OnnxNode): void {
  for (const name of node.inputs) text(writer, 1, name);
  for (const name of node.outputs) text(writer, 2, name);
  text(writer, 4, node.type);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    message(writer, 5, (field) => writeAttribute(field, name, attribute));
  }
  const { body } = node;
  if (body !== undefined) {
    message(writer, 5, (field) => {
      text(field, 1, 'body');
      message(field, 6, (graph) => writeGraph(graph, body));
      varint(field, 20, 5);
    });
  }
  text(writer, 7, node.domain);
}

function writeAttribute(writer: BinaryWriter, name: string, attribute: OnnxAttribute): void {
  text(writer, 1, name);
  if ('float' in attribute) {
    writer.tag(2, WireType.Bit32).float(attribute.float);
    varint(writer, 20, 1);
  } else if ('int' in attribute) {
    varint(writer, 3, attribute.int);
    varint(writer, 20, 2);
  } else if ('string' in attribute) {
    text(writer, 4, attribute.string);
    varint(writer, 20, 3);
  } else {
    for (const value of attribute.ints) varint(writer, 8, value);
    varint(writer, 20, 7);
  }
}

function writeInitializer(writer: BinaryWriter, { name, dtype, shape, bytes }: OnnxInitializer): void {
  for (const extent of shape) varint(writer, 1, extent);
  varint(writer, 2, onnxType[dtype]);
  text(writer, 8, name);
  writer.tag(9, WireType.LengthDelimited).bytes(bytes);
}

function writeValue(writer: BinaryWriter, { name, dtype, shape }: OnnxValue): void {
  text(writer, 1, name);
  message(writer, 2, (type) =>
    message(type, 1, (tensor) => {
      varint(tensor, 1, onnxType[dtype]);
      if (shape === null) return;
      message(tensor, 2, (shapeField) => {
        for (const extent of shape) {
          message(shapeField, 1, (dimension) =>
            typeof extent === 'number' ? varint(dimension, 1, extent) : text(dimension, 2, extent),
          );
        }
      });
    }),
  );
}

function varint(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function message(writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}
