/** `model.pretrained` in a study, with the networks of nano in place of the published ones. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { input } from '../../src/graph/index.js';
import {
  decodeSafetensors,
  denseNet,
  encodeSafetensors,
  medFusionSizes,
  type TensorToStore,
  vit,
} from '../../src/models/index.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { exportBranch, trainStudy } from '../../src/study/index.js';
import { Interrupted } from '../../src/train/index.js';
import { portableValues } from '../models/portableValues.js';
import { quick, run, scratchFolder, tinyStudy, train } from './tinyStudy.js';

const folder = scratchFolder('pretrained');
const data = join(folder, 'data');
const study = join(data, 'study.yaml');
const { cnn, transformer } = medFusionSizes.nano;
const denseFile = join(data, 'dense.safetensors');
const tokenFile = join(data, 'token.safetensors');
/** Both branches start from files and do not learn, so that the weights can be found again. */
const frozen = [
  ...quick,
  'data.history=0',
  'stage1.enabled=false',
  'model.pretrained.cnn={file: dense.safetensors}',
  'model.pretrained.transformer={file: token.safetensors}',
  'training.optimizer.groups={cnn: 0, transformer: 0}',
];
/** The dense branch alone, of the images alone. */
const alone = [
  ...quick,
  'data.history=0',
  'stage1.enabled=false',
  'model.modalities=[image]',
  'model.branches.transformer=false',
];

function networkFile(build: (scope: Scope) => void): Record<string, TensorToStore> {
  const list = new ParameterList();
  build(new Scope(list, false));
  const entries = [...list.entries].map(([name, { shape }]): [string, TensorToStore] => [
    name,
    { shape, data: portableValues(name, shape) },
  ]);
  return Object.fromEntries(entries);
}
const dense = networkFile((scope) => denseNet(scope, input('x', [1, 3, 32, 32]), cnn, 1000));
const token = networkFile((scope) => vit(scope, input('x', [1, 3, 224, 224]), transformer, 1000));
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

before(async () => {
  await tinyStudy(data);
  writeFileSync(denseFile, encodeSafetensors(dense));
  writeFileSync(tokenFile, encodeSafetensors(token));
});

test('both branches start from published weights; the run says what matched and needs the files no more', async () => {
  const out = join(folder, 'both');
  const { code, err } = await train(study, out, frozen);
  assert.equal(code, 0, err);
  assert.match(
    err,
    /model\.pretrained\.cnn: 184 of 184 tensors from dense\.safetensors \(sha256 [0-9a-f]{12}…\)/,
  );
  assert.match(
    err,
    /features\.conv0\.weight summed over three channels; not used: classifier\.bias, classifier\.weight/,
  );
  assert.match(err, /pos_embed resampled from 14 × 14 to 2 × 2 patches/);

  const { tensors } = decodeSafetensors(readFileSync(join(out, 'model.safetensors')));
  for (const name of ['features.denseblock2.denselayer3.conv2.weight', 'features.norm5.weight'])
    assert.deepEqual(tensors[`cnn.${name}`].data, dense[name].data);
  for (const name of ['cls_token', 'blocks.3.attn.qkv.weight', 'norm.bias'])
    assert.deepEqual(tensors[`transformer.${name}`].data, token[name].data);
  const written = decodeSafetensors(await exportBranch(out, 'transformer', 'torchvision')).tensors;
  assert.deepEqual(
    written['encoder.layers.encoder_layer_3.mlp.0.weight'].data,
    token['blocks.3.mlp.fc1.weight'].data,
  );
  const running = 'features.norm5.running_var'; // follows the batches
  assert.notDeepEqual(tensors[`cnn.${running}`].data, dense[running].data);

  const { checksums, pretrained } = JSON.parse(readFileSync(join(out, 'metrics.json'), 'utf8'));
  assert.equal(checksums['weights of cnn'], sha256(denseFile));
  assert.equal(pretrained.transformer.sha256, sha256(tokenFile));
  assert.deepEqual(pretrained.cnn, {
    source: 'dense.safetensors',
    sha256: sha256(denseFile),
    matched: 184,
    adapted: ['features.conv0.weight summed over three channels'],
    missing: [],
    unexpected: ['classifier.bias', 'classifier.weight'],
  });
  assert.match(readFileSync(join(out, 'report.html'), 'utf8'), new RegExp(sha256(denseFile)));
  assert.ok(!existsSync(join(out, 'checkpoint')));

  const away = `${denseFile}.away`;
  renameSync(denseFile, away);
  try {
    const images = ['--images', join(data, 'images')];
    const predicted = await run(
      'predict',
      out,
      '--table',
      join(data, 'table.csv'),
      ...images,
      '--threads',
      '1',
    );
    assert.equal(predicted.code, 0, predicted.err);
    const measured = await run('evaluate', out);
    assert.equal(measured.code, 0, measured.err);
  } finally {
    renameSync(away, denseFile);
  }
  const again = JSON.parse(readFileSync(join(out, 'metrics.json'), 'utf8'));
  assert.deepEqual(again.pretrained, pretrained);
});

test('an interrupted run goes on without the file', async () => {
  // Later folds and the final model need the weights, of which no checkpoint tells.
  const overrides = [
    ...alone,
    'model.pretrained.cnn={file: dense.safetensors}',
    'training.optimizer.groups={cnn: 0}',
    'split={method: kfold, folds: 2, validation: 0.3}',
  ];
  const out = join(folder, 'resumed');
  const controller = new AbortController();
  const listener = { epochStart() {}, batch: () => controller.abort(), epochEnd() {}, message() {} };
  const options = { studyFile: study, out, overrides, listener, threads: 1 };
  await assert.rejects(trainStudy({ ...options, signal: controller.signal }), Interrupted);
  const away = `${denseFile}.away`;
  renameSync(denseFile, away);
  try {
    const { metrics } = await trainStudy({ ...options, resume: true });
    assert.equal(metrics.pretrained?.cnn?.sha256, sha256(away));
  } finally {
    renameSync(away, denseFile);
  }
  const { tensors } = decodeSafetensors(readFileSync(join(out, 'model.safetensors')));
  const name = 'features.denseblock3.denselayer1.conv1.weight';
  assert.deepEqual(tensors[`cnn.${name}`].data, dense[name].data);
});

test('an address is fetched into the cache beside the run, and only a study that names one asks for it', async () => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.end(readFileSync(denseFile));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dense`;
  const sum = sha256(denseFile);
  try {
    const cnnFrom = (expected: string) => [
      ...alone,
      `model.pretrained.cnn={url: "${url}", sha256: ${expected}}`,
    ];
    const wrong = await train(study, join(folder, 'wrong'), cnnFrom('a'.repeat(64)));
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, new RegExp(`SHA-256 a{64}, got ${sum}`));
    assert.ok(!existsSync(join(folder, 'wrong')));
    assert.ok(!existsSync(join(folder, '.cache', 'weights')));
    const right = await train(study, join(folder, 'fetched'), cnnFrom(sum));
    assert.equal(right.code, 0, right.err);
    assert.match(right.err, /fetching http:\/\/127\.0\.0\.1/);
    assert.ok(existsSync(join(folder, '.cache', 'weights', `${sum}.safetensors`)));
    assert.equal(requests, 2);
    await assert.rejects(
      exportBranch(join(folder, 'fetched'), 'transformer'),
      /must have the transformer branch/,
    );
  } finally {
    server.close();
  }
});

const bad: Record<string, { content: () => Uint8Array; message: RegExp }> = {
  truncated: { content: () => readFileSync(denseFile).subarray(0, -5), message: /truncated/ },
  'of another network': {
    content: () => readFileSync(tokenFile),
    message: /must hold tensors of the cnn branch/,
  },
  'of another size': {
    content: () =>
      encodeSafetensors(
        networkFile((scope) => denseNet(scope, input('x', [1, 3, 32, 32]), medFusionSizes.tiny.cnn, 2)),
      ),
    message: /features\.conv0\.weight \[48,3,7,7\], not \[32,1,7,7\].*model\.size base/,
  },
  'a pickle': {
    content: () => Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0),
    message: /convert it: python/,
  },
};
for (const [what, { content, message }] of Object.entries(bad)) {
  test(`a weight file that is ${what} ends with one message and leaves no run`, async () => {
    writeFileSync(join(data, 'bad.safetensors'), content());
    const out = join(folder, `bad ${what}`);
    const { code, err } = await train(study, out, [...quick, 'model.pretrained.cnn={file: bad.safetensors}']);
    assert.equal(code, 2);
    assert.match(err, message);
    assert.match(err, /bad\.safetensors/);
    assert.ok(!existsSync(out));
  });
}

for (const [setting, message] of [
  ['cnn={file: none.safetensors}', /file must be readable, got ENOENT.*none\.safetensors/],
  ['cnn={}', /model\.pretrained\.cnn: needs exactly one of "file" and "url"/],
  ['cnn={file: a, url: "https://x.org/a"}', /needs exactly one of "file" and "url"/],
  ['cnn={url: "https://x.org/a"}', /model\.pretrained\.cnn\.sha256: is required with "url"/],
  ['cnn={url: "ftp://x.org/a", sha256: 12}', /must be an address that begins with https:\/\//],
  ['cnn={file: a, sha256: ABC}', /must be a SHA-256: 64 hexadecimal digits/],
  ['cnn={path: a}', /has no key "path"/],
] as const) {
  test(`model.pretrained.${setting} is refused`, async () => {
    const out = join(folder, 'refused');
    const { code, err } = await train(study, out, [`model.pretrained.${setting}`]);
    assert.equal(code, 2);
    assert.match(err, message);
    assert.ok(!existsSync(out));
  });
}

test('a training that cannot begin leaves nothing of the weights behind', async () => {
  const out = join(folder, 'large');
  const settings = [...alone, 'model.pretrained.cnn={file: dense.safetensors}', 'training.batchSize=512'];
  const { code, err } = await train(study, out, settings);
  assert.equal(code, 2);
  assert.match(err, /batch/);
  assert.ok(!existsSync(out));
});

test('weights for a branch that is off, or without images, are refused', async () => {
  const cnnFile = 'model.pretrained.cnn={file: dense.safetensors}';
  const off = await train(study, join(folder, 'off'), [cnnFile, 'model.branches.cnn=false']);
  assert.match(off.err, /needs model\.branches\.cnn; switch it on or leave this out/);
  const table = await train(study, join(folder, 'off'), [cnnFile, 'model.modalities=[tabular]']);
  assert.match(table.err, /has no meaning without images/);
});
