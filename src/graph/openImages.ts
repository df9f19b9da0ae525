/**
 * Leaves the shape of images open in training programs. ONNX Runtime plans ahead to compute a value in the buffer of an earlier
 * one of the same extents, and keeps that buffer until then: the feature maps of every stage from the forward pass to the
 * backward pass. It makes no such plan for values whose shape it does not know. (Where the batch alone is open it searches in
 * vain, for a time that grows with the square of a program's size.)
 */
import type { OnnxGraph, OnnxValue } from './onnx.js';

export const isImage = ({ shape }: OnnxValue): boolean => shape !== null && shape.length >= 4;

export const openShape = (value: OnnxValue): OnnxValue => ({ ...value, shape: null });

/** The graph with the shapes of those inputs left open that are images. @param fed names of inputs that each run is given */
export function withOpenImages(graph: OnnxGraph, fed: ReadonlySet<string>): OnnxGraph {
  return {
    ...graph,
    inputs: graph.inputs.map((value) => (fed.has(value.name) && isImage(value) ? openShape(value) : value)),
  };
}
