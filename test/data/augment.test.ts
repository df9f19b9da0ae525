import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type Augmentation,
  augmentationStream,
  augmentations,
  createAugmenter,
} from '../../src/data/augment.js';
import { ConfigError, ShapeError } from '../../src/errors.js';
import { type Random, randomStream } from '../../src/random/index.js';

interface Shape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly outside?: number;
}

/** 16 bits for an even seed, 8 for an odd one. */
function randomImage({ channels, height, width }: Shape, seed = 1): Uint8Array | Uint16Array {
  const random = randomStream(seed, 'image');
  const length = channels * height * width;
  if (seed % 2 === 1) return Uint8Array.from({ length }, () => random.integer(256));
  return Uint16Array.from({ length }, () => random.integer(65536));
}

/** Samples as numbers in [0, 1]. */
function unpacked(image: Uint8Array | Uint16Array): Float32Array {
  const most = image.BYTES_PER_ELEMENT === 1 ? 255 : 65535;
  return Float32Array.from(image, (value) => value / most);
}

function augment(
  settings: Partial<Augmentation>,
  shape: Shape,
  image: Uint8Array | Uint16Array,
  random: Random,
) {
  const output = new Float32Array(image.length);
  createAugmenter(settings, shape).apply(image, output, 0, random);
  return output;
}

/** The same, written literally in float64 with explicit taps and powers; no noise, no hole. */
function literal(settings: Augmentation, shape: Shape, image: Float32Array, random: Random): Float64Array {
  const { channels, height, width } = shape;
  const symmetric = () => 2 * random.uniform() - 1;
  const theta = (symmetric() * settings.rotationDegrees * Math.PI) / 180;
  const shift = [symmetric() * settings.shift * width, symmetric() * settings.shift * height];
  const zoom = 1 + symmetric() * settings.scale;
  const mirrorX = random.uniform() < 0.5 && settings.flipHorizontal;
  const mirrorY = random.uniform() < 0.5 && settings.flipVertical;
  const brightness = symmetric() * settings.brightness;
  const contrast = 1 + symmetric() * settings.contrast;
  const exponent = Math.exp(symmetric() * settings.gamma);
  const saturation = 1 + symmetric() * settings.saturation;
  const at = (channel: number, x: number, y: number) => {
    const inside = x >= 0 && y >= 0 && x < width && y < height;
    if (!inside && settings.edge === 'black') return shape.outside ?? 0;
    const cx = Math.min(width - 1, Math.max(0, x));
    const cy = Math.min(height - 1, Math.max(0, y));
    return image[(channel * height + cy) * width + cx];
  };
  const out = new Float64Array(image.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        // Solve  output − centre = zoom · R(θ) · M · (source − centre) + shift  for the source.
        const px = x - (width - 1) / 2 - shift[0];
        const py = y - (height - 1) / 2 - shift[1];
        const turnedX = (Math.cos(-theta) * px - Math.sin(-theta) * py) / zoom;
        const turnedY = (Math.sin(-theta) * px + Math.cos(-theta) * py) / zoom;
        const sx = (mirrorX ? -turnedX : turnedX) + (width - 1) / 2;
        const sy = (mirrorY ? -turnedY : turnedY) + (height - 1) / 2;
        let value = 0;
        for (const [tapX, tapY] of [
          [Math.floor(sx), Math.floor(sy)],
          [Math.floor(sx) + 1, Math.floor(sy)],
          [Math.floor(sx), Math.floor(sy) + 1],
          [Math.floor(sx) + 1, Math.floor(sy) + 1],
        ]) {
          value += (1 - Math.abs(sx - tapX)) * (1 - Math.abs(sy - tapY)) * at(channel, tapX, tapY);
        }
        out[(channel * height + y) * width + x] = value;
      }
    }
  }
  const unit = (value: number) => Math.min(1, Math.max(0, value));
  const area = height * width;
  if (channels === 3) {
    for (let i = 0; i < area; i++) {
      const grey = 0.299 * out[i] + 0.587 * out[i + area] + 0.114 * out[i + 2 * area];
      for (const j of [i, i + area, i + 2 * area]) out[j] = unit(grey + saturation * (out[j] - grey));
    }
  }
  const mean = out.reduce((sum, value) => sum + value, 0) / out.length;
  return out.map((value) => unit(contrast * (value - mean) + mean + brightness) ** exponent);
}

const shapes: readonly Shape[] = [
  { channels: 1, height: 64, width: 64 },
  { channels: 1, height: 12, width: 9, outside: 0.5 },
  { channels: 3, height: 17, width: 30 },
  { channels: 2, height: 5, width: 1 },
  { channels: 1, height: 1, width: 1 },
];

const geometries: Readonly<Record<string, Partial<Augmentation>>> = {
  rotation: { rotationDegrees: 180 },
  'rotation over black': { rotationDegrees: 180, edge: 'black' },
  'small turns': { rotationDegrees: 15, scale: 0.1, shift: 0.1, flipHorizontal: true },
  'turns and scales at the limit of close neighbours, over black': {
    rotationDegrees: 20,
    scale: 0.5,
    edge: 'black',
  },
  shift: { shift: 0.4 },
  'shift over black': { shift: 0.4, edge: 'black' },
  scale: { scale: 0.4, edge: 'black' },
  flips: { flipHorizontal: true, flipVertical: true },
  'all together': { rotationDegrees: 30, shift: 0.2, scale: 0.3, flipHorizontal: true, flipVertical: true },
};
for (const [name, settings] of Object.entries(geometries)) {
  test(`${name} agrees with a literal bilinear resampling`, () => {
    for (const shape of shapes) {
      for (let seed = 0; seed < 8; seed++) {
        const image = randomImage(shape, seed);
        const expected = literal(
          { ...augmentations.none, ...settings },
          shape,
          unpacked(image),
          randomStream(seed),
        );
        const got = augment(settings, shape, image, randomStream(seed));
        got.forEach((value, i) => {
          assert.ok(
            Math.abs(value - expected[i]) < 1e-4,
            `seed ${seed}, value ${i}: ${value} ${expected[i]}`,
          );
        });
      }
    }
  });
}

test('brightness, contrast, gamma and saturation agree with their formulas', () => {
  for (const settings of [
    { brightness: 0.5 },
    { contrast: 0.9 },
    { gamma: 1 },
    { saturation: 1 },
    { brightness: 0.3, contrast: 0.5, gamma: 0.5, saturation: 0.5, rotationDegrees: 20 },
  ]) {
    for (const shape of shapes) {
      for (let seed = 0; seed < 8; seed++) {
        const image = randomImage(shape, seed);
        const expected = literal(
          { ...augmentations.none, ...settings },
          shape,
          unpacked(image),
          randomStream(seed),
        );
        const got = augment(settings, shape, image, randomStream(seed));
        got.forEach((value, i) => {
          assert.ok(
            Math.abs(value - expected[i]) < 2e-4,
            `${JSON.stringify(settings)} ${value} ${expected[i]}`,
          );
        });
      }
    }
  }
});

test('without any amount the image comes back bit for bit', () => {
  for (const shape of shapes) {
    const image = randomImage(shape);
    assert.deepEqual(augment(augmentations.none, shape, image, randomStream(1)), unpacked(image));
    assert.deepEqual(augment({}, shape, image, randomStream(2)), unpacked(image));
  }
  // Every level there is.
  const levels = [256, 65536].map((count) => Array.from({ length: count }, (_, level) => level));
  for (const image of [Uint8Array.from(levels[0]), Uint16Array.from(levels[1])]) {
    const shape = { channels: 1, height: image.length / 256, width: 256 };
    assert.deepEqual(augment({}, shape, image, randomStream(3)), unpacked(image));
  }
});

test('flips only permute pixels, and happen in about half of the images', () => {
  const shape = { channels: 1, height: 2, width: 3 };
  const image = Uint8Array.of(40, 80, 120, 160, 200, 240);
  const mirrored = [120, 80, 40, 240, 200, 160];
  let flipped = 0;
  for (let seed = 0; seed < 400; seed++) {
    const got = augment({ flipHorizontal: true }, shape, image, randomStream(seed));
    const levels = Array.from(got, (value) => 255 * value);
    const same = Math.abs(levels[0] - 40) < 1;
    (same ? [...image] : mirrored).forEach((level, i) => {
      assert.ok(Math.abs(level - levels[i]) < 1e-4, `${levels}`);
    });
    if (!same) {
      flipped++;
    }
  }
  assert.ok(flipped > 160 && flipped < 240, `${flipped} of 400`);
});

test('noise has the drawn deviation, no bias and no memory of its neighbour', () => {
  const shape = { channels: 1, height: 100, width: 100 };
  const image = new Uint8Array(10000).fill(128);
  let strongest = 0;
  for (let seed = 0; seed < 20; seed++) {
    const got = augment({ noise: 0.1 }, shape, image, randomStream(seed)).map((value) => value - 128 / 255);
    const variance = got.reduce((sum, value) => sum + value * value, 0) / 10000;
    const bias = got.reduce((sum, value) => sum + value, 0) / 10000;
    const lag = got.reduce((sum, value, i) => sum + (i > 0 ? value * got[i - 1] : 0), 0) / 10000;
    const deviation = Math.sqrt(variance);
    assert.ok(deviation <= 0.102 && Math.abs(bias) < 4 * (deviation / 100), `${deviation} ${bias}`);
    assert.ok(Math.abs(lag) < (4 * variance) / 100);
    strongest = Math.max(strongest, deviation);
  }
  assert.ok(strongest > 0.07, 'deviations reach up to the setting');
});

test('a hole covers its share of the image and holds the mean', () => {
  const shape = { channels: 2, height: 20, width: 40 };
  const image = randomImage(shape);
  const before = unpacked(image);
  const mean = before.reduce((sum, value) => sum + value, 0) / image.length;
  for (let seed = 0; seed < 20; seed++) {
    const got = augment({ cutout: 1, cutoutSize: 0.5 }, shape, image, randomStream(seed));
    const changed = got.filter((value, i) => value !== before[i]);
    assert.equal(changed.length, 2 * 10 * 20);
    for (const value of changed) assert.ok(Math.abs(value - mean) < 1e-6);
  }
});

test('values stay in [0, 1] under every preset', () => {
  const shape = { channels: 3, height: 32, width: 32 };
  for (const settings of Object.values(augmentations)) {
    for (let seed = 0; seed < 20; seed++) {
      const image = randomImage(shape, 1).map((level) => (level < 128 ? 0 : 255));
      const got = augment(settings, shape, image, randomStream(seed));
      assert.ok(got.every((value) => value >= 0 && value <= 1));
    }
  }
});

test('white and black stay what they are wherever they are sampled', () => {
  const settings = { rotationDegrees: 45, scale: 0.3, shift: 0.2 };
  const shape = { channels: 1, height: 40, width: 53 };
  for (const level of [0, 1]) {
    for (const image of [new Uint8Array(2120).fill(255 * level), new Uint16Array(2120).fill(65535 * level)]) {
      for (let seed = 0; seed < 20; seed++) {
        const got = augment(settings, shape, image, randomStream(seed));
        for (const value of got) assert.ok(value >= 0 && value <= 1 && Math.abs(value - level) < 1e-6);
      }
    }
  }
});

test('radiographs are never mirrored', () => {
  const shape = { channels: 1, height: 32, width: 32 };
  const image = Uint8Array.from({ length: 1024 }, (_, i) => (i % 32 < 16 ? 50 : 200));
  for (let seed = 0; seed < 200; seed++) {
    const got = augment(augmentations.radiograph, shape, image, randomStream(seed));
    const half = (right: boolean) => got.filter((_, i) => i % 32 >= 16 === right).reduce((a, b) => a + b, 0);
    assert.ok(half(true) > half(false) + 100);
  }
});

test('an image depends on seed, epoch, row and slot, and on nothing done before', () => {
  const shape = { channels: 1, height: 16, width: 16 };
  const image = randomImage(shape);
  const augmenter = createAugmenter(augmentations.fundus, shape);
  const run = (...key: [number, number, number, number]) => {
    const output = new Float32Array(image.length);
    augmenter.apply(image, output, 0, augmentationStream(...key));
    return output;
  };
  const first = run(1, 2, 3, 0);
  const others = [run(2, 2, 3, 0), run(1, 3, 3, 0), run(1, 2, 4, 0), run(1, 2, 3, 1)];
  for (const other of others) assert.notDeepEqual(other, first);
  assert.deepEqual(run(1, 2, 3, 0), first);
});

test('an image comes out the same inside a larger array, and whatever another did before it', () => {
  const shape = { channels: 3, height: 8, width: 9 };
  const image = randomImage(shape);
  const augmenter = createAugmenter(augmentations.fundus, shape);
  const expected = new Float32Array(image.length);
  augmenter.apply(image, expected, 0, randomStream(4));
  const larger = { channels: 3, height: 80, width: 90 };
  augment(augmentations.fundus, larger, randomImage(larger), randomStream(4));
  const batch = new Float32Array(3 * image.length).fill(-1);
  augmenter.apply(image, batch, image.length, randomStream(4));
  assert.deepEqual(batch.subarray(image.length, 2 * image.length), expected);
  assert.ok(batch.subarray(0, image.length).every((value) => value === -1));
  assert.ok(batch.subarray(2 * image.length).every((value) => value === -1));
});

test('noise takes one draw per value from the stream, and leaves the stream behind them', () => {
  const shape = { channels: 1, height: 7, width: 5 };
  const image = new Uint8Array(35).fill(128);
  const [random, twin] = [randomStream(9), randomStream(9)];
  const output = augment({ noise: 0.1 }, shape, image, random);
  // The twelve amounts before the noise's own deviation and the three of the hole are of 53 bits.
  let deviation = 0;
  for (let i = 0; i < 14; i++) {
    const drawn = twin.uniform();
    if (i === 10) deviation = 0.1 * drawn;
  }
  output.forEach((value, i) => {
    const bits = twin.uint32();
    const sum = [0, 8, 16, 24].reduce((total, shift) => total + ((bits >>> shift) & 255), 0);
    const noise = (deviation * (sum - 510)) / Math.sqrt((4 * (256 ** 2 - 1)) / 12);
    assert.ok(Math.abs(value - (128 / 255 + noise)) < 1e-6, `value ${i}`);
  });
  assert.deepEqual(random.state(), twin.state());
});

test('values are standardised per channel, after everything else', () => {
  const standard = { mean: [0.2, 0.4, 0.6], sd: [0.5, 0.25, 2] };
  const shape = { channels: 3, height: 5, width: 7 };
  for (const settings of [{}, { rotationDegrees: 90 }, ...Object.values(augmentations), { cutout: 1 }]) {
    const image = randomImage(shape);
    const plain = augment(settings, shape, image, randomStream(5));
    const got = new Float32Array(image.length);
    createAugmenter(settings, shape, standard).apply(image, got, 0, randomStream(5));
    got.forEach((value, i) => {
      const channel = Math.floor(i / 35);
      const expected = (plain[i] - standard.mean[channel]) / standard.sd[channel];
      assert.ok(Math.abs(value - expected) < 1e-6, `${JSON.stringify(settings)} ${value} ${expected}`);
    });
  }
});

test('amounts out of range and arrays too short are refused', () => {
  const shape = { channels: 1, height: 4, width: 4 };
  assert.throws(() => createAugmenter({ shift: 0.6 }, shape), ConfigError);
  assert.throws(() => createAugmenter({ noise: Number.NaN }, shape), ConfigError);
  assert.throws(() => createAugmenter({}, { ...shape, width: 0 }), ShapeError);
  const { apply } = createAugmenter({}, shape);
  assert.throws(() => apply(new Uint8Array(15), new Float32Array(16), 0, randomStream(1)), ShapeError);
  assert.throws(() => apply(new Uint8Array(16), new Float32Array(16), 1, randomStream(1)), ShapeError);
});

test('the sources import nothing that a browser lacks', () => {
  const importsOf = (name: string) =>
    [...readFileSync(`src/data/${name}`, 'utf8').matchAll(/from '([^']+)'/g)].map((match) => match[1]);
  assert.deepEqual(importsOf('augment.ts'), ['../errors.js', '../random/index.js', './kernels.js']);
  assert.deepEqual(importsOf('kernels.ts'), ['./kernelBytes.js']);
});
