/** The graph pass that runs a step several times per call, so that what is kept between steps need not leave the runtime. */
import type { OnnxGraph, OnnxNode, OnnxValue } from './onnx.js';
import { isImage, openShape } from './openImages.js';

/** Name of the input that says how many steps a call runs: int64, a scalar. */
export const stepCount = '#steps';

export interface RepeatedNames {
  /** Inputs with a value of their own at every step. */
  readonly perStep: ReadonlySet<string>;
  /** Inputs to the outputs that hold their values after the step. */
  readonly carried: ReadonlyMap<string, string>;
}

/**
 * A graph that runs `step` as often as its further input `stepCount` says, in one `Loop`.
 *
 * Inputs named in `perStep` get one axis more, in front, over the steps, and so do the outputs that are not the next
 * values of carried inputs. Those pass from step to step and come out as the last step leaves them. All other inputs are
 * the same at every step. What is handed out lies nowhere in the memory of carried inputs, so that the runtime may be told to
 * write their last values there.
 */
export function repeatGraph(given: OnnxGraph, names: RepeatedNames): OnnxGraph {
  const step = withResultsApart(given, names);
  const { perStep, carried } = names;
  const [index, goOn, goingOn] = ['#index', '#goOn', '#goingOn'];
  const next = new Set(carried.values());
  const ownInputs = step.inputs.filter(({ name }) => perStep.has(name));
  const state = step.inputs.filter(({ name }) => carried.has(name));
  const results = step.outputs.filter(({ name }) => !next.has(name));
  const byName = new Map(step.outputs.map((output) => [output.name, output]));
  const nextStates = state.map(({ name }) => byName.get(carried.get(name)!)!);

  // Inside, these go by other names: a body must not hide a name of the graph around it.
  const inner = new Map(
    [...ownInputs, ...state, ...results, ...nextStates].map(({ name }) => [name, `#of one step: ${name}`]),
  );
  const rename = (name: string) => inner.get(name) ?? name;
  const renamed = (value: OnnxValue): OnnxValue => ({ ...value, name: rename(value.name) });
  const plain = (type: string, inputs: readonly string[], outputs: readonly string[]): OnnxNode => ({
    type,
    domain: '',
    inputs,
    outputs,
    attributes: {},
  });
  const body: OnnxGraph = {
    nodes: [
      plain('Identity', [goOn], [goingOn]),
      ...ownInputs.map(({ name }) => plain('Gather', [name, index], [rename(name)])),
      ...step.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map(rename),
        outputs: node.outputs.map(rename),
      })),
    ],
    initializers: step.initializers,
    inputs: [
      { name: index, dtype: 'int64', shape: [] },
      { name: goOn, dtype: 'bool', shape: [] },
      ...state.map(renamed),
    ],
    outputs: [{ name: goingOn, dtype: 'bool', shape: [] }, ...[...nextStates, ...results].map(renamed)],
  };
  const perStepValue = (value: OnnxValue): OnnxValue => ({ ...value, shape: ['steps', ...value.shape!] });
  const perStepInput = (value: OnnxValue): OnnxValue =>
    isImage(value) ? openShape(value) : perStepValue(value);
  return {
    nodes: [
      {
        type: 'Loop',
        domain: '',
        inputs: [stepCount, '', ...state.map(({ name }) => name)],
        outputs: [...nextStates, ...results].map(({ name }) => name),
        attributes: {},
        body,
      },
    ],
    initializers: [],
    inputs: [
      { name: stepCount, dtype: 'int64', shape: [] },
      ...step.inputs.map((value) => (perStep.has(value.name) ? perStepInput(value) : value)),
    ],
    outputs: step.outputs.map((value) => (next.has(value.name) ? value : perStepValue(value))),
  };
}

/** The graph with copies in place of outputs that are carried inputs, or views of such. */
function withResultsApart(graph: OnnxGraph, { carried }: RepeatedNames): OnnxGraph {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const sharesInput = (name: string): boolean => {
    const maker = makers.get(name);
    if (maker === undefined) return carried.has(name);
    return ['Identity', 'Reshape'].includes(maker.type) && sharesInput(maker.inputs[0]);
  };
  const shared = new Map(
    graph.outputs.filter(({ name }) => sharesInput(name)).map(({ name }) => [name, `#shared: ${name}`]),
  );
  const renamed = (name: string) => shared.get(name) ?? name;
  const rename = (node: OnnxNode): OnnxNode => ({
    ...node,
    inputs: node.inputs.map(renamed),
    outputs: node.outputs.map(renamed),
  });
  // A sum of one value is a copy.
  const copies = [...shared].map(
    ([name, from]): OnnxNode => ({
      type: 'Sum',
      domain: '',
      inputs: [from],
      outputs: [name],
      attributes: {},
    }),
  );
  return { ...graph, nodes: [...graph.nodes.map(rename), ...copies] };
}
