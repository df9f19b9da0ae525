import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  drawAnatomy,
  drawExposure,
  type Lesion,
  type LesionKind,
  renderPhantom,
} from '../../src/data/synthetic/phantom.js';
import { randomStream } from '../../src/random/index.js';

const size = 64;

function render(seed: number, lesions: readonly Lesion[]) {
  const random = randomStream(seed, 'phantom');
  const anatomy = drawAnatomy(random);
  return renderPhantom(anatomy, drawExposure(random, randomStream(seed, 'noise')), lesions, size);
}

const places: Record<LesionKind, Pick<Lesion, 'side' | 'across' | 'down'>> = {
  consolidation: { side: -1, across: 0, down: 0 },
  effusion: { side: -1, across: 0, down: 0.8 },
  nodule: { side: 1, across: 0.1, down: -0.4 },
  cavity: { side: -1, across: -0.1, down: -0.4 },
  streaks: { side: 1, across: 0.5, down: 0.2 },
};

for (const kind of Object.keys(places) as LesionKind[]) {
  test(`a ${kind} changes the image inside its box and not outside`, () => {
    for (let seed = 0; seed < 12; seed++) {
      const lesion: Lesion = { kind, ...places[kind], severity: seed / 11, shape: seed };
      const healthy = render(seed, []).pixels;
      const { pixels, boxes } = render(seed, [lesion]);
      const box = boxes[0];
      assert.ok(box !== null, `no box at severity ${lesion.severity}`);
      let [inside, insideCount, outside, outsideCount] = [0, 0, 0, 0];
      let tightOnTheLeft = false;
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const change = Math.abs(pixels[y * size + x] - healthy[y * size + x]);
          if (x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height) {
            inside += change;
            insideCount++;
          } else {
            outside += change;
            outsideCount++;
          }
          const onLeft = x === box.x && y >= box.y && y < box.y + box.height;
          if (onLeft && change > 2) tightOnTheLeft = true;
        }
      }
      inside /= insideCount;
      outside /= outsideCount;
      assert.ok(inside > 8, `mean change inside ${inside} grey levels at severity ${lesion.severity}`);
      assert.ok(outside < 0.6, `mean change outside ${outside} grey levels`);
      assert.ok(inside > 30 * outside, `inside ${inside}, outside ${outside}`);
      assert.ok(tightOnTheLeft);
      assert.ok(insideCount < 0.2 * size * size, `the box is local, got ${insideCount} pixels`);
    }
  });
}

test('severity makes a nodule larger and brighter', () => {
  const change = (severity: number) => {
    const lesion: Lesion = { kind: 'nodule', ...places.nodule, severity, shape: 0 };
    const healthy = render(3, []).pixels;
    return render(3, [lesion]).pixels.reduce((sum, value, at) => sum + Math.abs(value - healthy[at]), 0);
  };
  assert.ok(change(1) > 2 * change(0.2));
});

test('a lesion hidden behind the diaphragm has no box', () => {
  const lesion: Lesion = { kind: 'nodule', side: -1, across: 0, down: 1.6, severity: 0.1, shape: 0 };
  assert.deepEqual(render(1, [lesion]).boxes, [null]);
});
