import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { applyStage1, assignTiers, firesOverride } from '../../src/risk/index.js';
import { exportModel, parseStudy, predictRun } from '../../src/study/index.js';
import { type NewPatients, readNewPatients } from '../../src/study/newPatients.js';
import { networkInputs } from '../../src/study/predict.js';
import { decodeModel, type ModelParts } from '../../src/study/trainedSplit.js';
import { applyCalibration, createBatcher, encodeCohort, fitCalibration } from '../../src/train/index.js';
import { quick, readRecords, scratchFolder, tinyStudy, toCsv, train } from './tinyStudy.js';

const folder = scratchFolder('export');
const data = join(folder, 'data');
const trained = join(folder, 'run');
const file = join(trained, 'model.onnx');
const table = join(data, 'some.csv');
const override =
  'tiers.overrides=[{label: pneumonia, column: setting, op: "=", value: emergency, tier: high}]';
let model: ModelParts;
let patients: NewPatients;

before(async () => {
  await tinyStudy(data);
  const result = await train(join(data, 'study.yaml'), trained, [...quick, override]);
  assert.equal(result.code, 0, result.err);
  // Rows with everything, without picture, without note, and with an earlier picture.
  const rows = readRecords(join(data, 'table.csv'));
  const some = [
    ...rows.slice(0, 8),
    ...rows.filter((row) => row.image === '').slice(0, 2),
    ...rows.filter((row) => row.notes === '').slice(0, 2),
    ...rows.filter((row) => row.visit === '2').slice(0, 2),
  ];
  writeFileSync(table, toCsv(some.filter((row, i) => some.indexOf(row) === i)));
  const study = parseStudy(readFileSync(join(trained, 'study.yaml'), 'utf8'), 'study.yaml');
  model = decodeModel(readFileSync(join(trained, 'model.safetensors')), 'model');
  patients = await readNewPatients(study, networkInputs(model.saved), {
    table,
    images: join(data, 'images'),
    say: () => {},
  });
});

/** What a program that knows only the ONNX file feeds it for one row. */
function feedsOf(row: number, inputNames: readonly string[]): Record<string, Tensor> {
  const { cohort, images } = patients;
  const { encoder, config } = model.saved;
  const stage1 = applyStage1(model.stage1!, cohort).inputs.values;
  const encoded = encodeCohort(encoder, cohort, stage1);
  const arrays = {
    ...createBatcher({ cohort, encoder, encoded, config, images }, 1)(Int32Array.of(row)),
    tierFloor: floorOf(row),
  };
  const metadata = JSON.parse(metadataOf(readFileSync(file)).inputs) as { name: string; shape: number[] }[];
  assert.deepEqual(metadata.map(({ name }) => name).sort(), [...inputNames].sort());
  return Object.fromEntries(
    metadata.map(({ name, shape }) => {
      const values = (arrays as Record<string, Float32Array | Int32Array>)[name];
      return [
        name,
        new Tensor(values instanceof Int32Array ? 'int32' : 'float32', values.slice() as Float32Array, shape),
      ];
    }),
  );
}

function floorOf(row: number): Int32Array {
  const { labels, tiers } = model.saved;
  const fires = firesOverride(tiers.policy.overrides[0], patients.cohort);
  return Int32Array.from(labels, (label) => (label === 'pneumonia' && fires[row] === 1 ? 2 : 0));
}

/** metadata_props of an ONNX file: field 14 of the model, each a message of key (1) and value (2). */
function metadataOf(bytes: Uint8Array): Record<string, string> {
  const varint = (at: number): [value: number, next: number] => {
    let [value, scale, next] = [0, 1, at];
    for (; bytes[next] >= 128; next++, scale *= 128) value += (bytes[next] - 128) * scale;
    return [value + bytes[next] * scale, next + 1];
  };
  const text = (start: number, end: number) => Buffer.from(bytes.subarray(start, end)).toString('utf8');
  const result: Record<string, string> = {};
  for (let at = 0; at < bytes.length; ) {
    const [tag, afterTag] = varint(at);
    const [value, next] = varint(afterTag);
    at = tag % 8 === 2 ? next + value : next;
    if (tag !== 14 * 8 + 2) continue;
    const [keyLength, key] = varint(next + 1);
    const [, body] = varint(key + keyLength + 1);
    result[text(key, key + keyLength)] = text(body, at);
  }
  return result;
}

async function runModel(bytes: Uint8Array, row: number) {
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  });
  const results = await session.run(feedsOf(row, session.inputNames));
  await session.release();
  return {
    logits: results.logits.data as Float32Array,
    probabilities: results.probabilities.data as Float32Array,
    tiers: results.tiers.data as Int32Array,
  };
}

test('onnxruntime gives on model.onnx what predict gives, row by row', async () => {
  const expected = await predictRun({
    run: trained,
    table,
    images: join(data, 'images'),
    threads: 1,
    say: () => {},
  });
  const bytes = readFileSync(file);
  const count = expected.labels.length;
  assert.ok(expected.ids.length >= 10);
  for (const row of expected.ids.keys()) {
    const { probabilities, tiers } = await runModel(bytes, row);
    for (let label = 0; label < count; label++) {
      const at = row * count + label;
      assert.ok(
        Math.abs(probabilities[label] - expected.probabilities[at]) < 1e-5,
        `row ${row}, label ${label}`,
      );
      assert.equal(tiers[label], expected.tiers[at]);
    }
  }
  assert.ok(
    expected.ids.some((_, row) => floorOf(row).includes(2)),
    'some row raises a tier',
  );
});

test('each way of calibrating is in the file', async () => {
  const { labels } = model.saved;
  const { targets, known } = knownOutcomes(60, labels.length);
  for (const method of ['none', 'platt', 'isotonic'] as const) {
    const logits = Float64Array.from(targets, (target, i) => Math.sin(i * 12.9898) + target * 0.8 - 0.5);
    const calibration = fitCalibration(logits, targets, known, labels, method);
    const bytes = exportModel({ ...model, saved: { ...model.saved, calibration } }, { name: 'x' });
    const result = await runModel(bytes, 0);
    const expected = applyCalibration(calibration, result.logits);
    expected.forEach((p, label) => {
      assert.ok(Math.abs(result.probabilities[label] - p) < 1e-6, `${method}, label ${label}`);
    });
  }
});

function knownOutcomes(rows: number, labels: number) {
  const targets = Float32Array.from({ length: rows * labels }, (_, i) => Number((i * 7919) % 5 < 2));
  return { targets, known: new Uint8Array(rows * labels).fill(1) };
}

test('tiers without a cut are as assignTiers has them', async () => {
  const { tiers } = model.saved;
  const without = {
    ...tiers,
    labels: tiers.labels.map((cuts, i) => ({ ...cuts, low: i % 2 === 0 ? null : 1, high: i < 2 ? null : 0 })),
    policy: { ...tiers.policy, overrides: [] },
  };
  const bytes = exportModel({ ...model, saved: { ...model.saved, tiers: without } }, { name: 'x' });
  const session = await InferenceSession.create(bytes);
  assert.ok(!session.inputNames.includes('tierFloor'));
  const { tierFloor: _, ...feeds } = feedsOf(0, [...session.inputNames, 'tierFloor']);
  const results = await session.run(feeds);
  await session.release();
  const p = Float64Array.from(results.probabilities.data as Float32Array);
  assert.deepEqual([...(results.tiers.data as Int32Array)], [...assignTiers(without, p)]);
  assert.ok(new Set(results.tiers.data as Int32Array).size === 3);
});

test('the metadata say what the model needs and gives', () => {
  const bytes = readFileSync(file);
  assert.ok(
    !bytes.includes('com.microsoft'),
    "operators of one vendor would tie the file to that vendor's runtime",
  );
  const metadata = metadataOf(bytes);
  const { saved, stage1 } = model;
  assert.equal(metadata.format, 'medfusion-onnx-1');
  assert.equal(metadata.study, 'synthetic');
  for (const key of ['labels', 'encoder', 'image', 'calibration', 'tiers'] as const)
    assert.deepEqual(JSON.parse(metadata[key]), JSON.parse(JSON.stringify(saved[key])));
  assert.deepEqual(JSON.parse(metadata.stage1), JSON.parse(JSON.stringify(stage1)));
  for (const part of ['inputs', 'outputs'])
    for (const { name, shape, dtype, meaning } of JSON.parse(metadata[part])) {
      assert.equal(shape[0], 1, name);
      assert.ok(['float32', 'int32'].includes(dtype) && meaning.length > 20, name);
    }
});

test("the file passes ONNX's own checker", (t) => {
  const python = process.env.MEDFUSION_PYTHON ?? '/usr/bin/python3';
  const script = `
import sys
try:
    import onnx
except ImportError:
    sys.exit('no python3-onnx')
if onnx.defs.onnx_opset_version() < 20:
    sys.exit('onnx %s knows operator sets up to %d, the file needs 20' % (onnx.__version__, onnx.defs.onnx_opset_version()))
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
assert {o.domain for o in model.opset_import} == {''}, model.opset_import
assert not [i for i in model.graph.initializer if i.external_data]
print('valid')
`;
  const { status, stdout, stderr, error } = spawnSync(python, ['-c', script, file], { encoding: 'utf8' });
  const reason = error?.message ?? stderr.trim();
  if (status !== 0 && /^(no python3-onnx|onnx \S+ knows|spawnSync)/.test(reason)) {
    t.skip(`${reason}; name a Python with a newer onnx in MEDFUSION_PYTHON`);
    return;
  }
  assert.equal(stdout.trim(), 'valid', reason);
});
