/**
 * A chest-radiograph phantom: smooth anatomy, nuisance variation of pose, exposure and noise, and opacities of
 * several kinds in known boxes. It is drawn, not simulated: it has the structure that makes the task (lesions
 * partly hidden by ribs, heart and diaphragm, brightness that says nothing), not the physics of X-rays.
 *
 * Coordinates: u to the image's right and v down, the chest filling about [-1, 1]²; 0 = black, 1 = white. As on
 * a radiograph the patient's left (the heart) is on the image's right.
 */
import type { Random } from '../../random/index.js';

/** The kinds of lesion that can be drawn. */
export type LesionKind = 'consolidation' | 'effusion' | 'nodule' | 'cavity' | 'streaks';

/** What is drawn of one patient, the same at every visit. */
export interface Anatomy {
  /** Relative sizes, about 1. */
  readonly lungWidth: number;
  readonly lungHeight: number;
  readonly heartSize: number;
  /** Height of the right dome above the left, in phantom units. */
  readonly domeStep: number;
  readonly ribSpacing: number;
  readonly ribPhase: number;
  readonly ribContrast: number;
}

/** What differs between two exposures of one patient. */
export interface Exposure {
  readonly shiftU: number;
  readonly shiftV: number;
  /** Magnification, about 1. */
  readonly scale: number;
  readonly rotationRadians: number;
  /** Additive, multiplicative and power-law change of the grey values. */
  readonly brightness: number;
  readonly contrast: number;
  readonly gamma: number;
  /** Standard deviation of the pixel noise, in grey values of [0, 1]. */
  readonly noise: number;
  /** An anterior–posterior view magnifies the heart. */
  readonly view: 'PA' | 'AP';
  /** Seeds of the pixel noise and of the smooth background. */
  readonly noiseSeed: Random;
}

/** One lesion. */
export interface Lesion {
  readonly kind: LesionKind;
  /** -1: the lung on the image's left, 1: on its right. */
  readonly side: -1 | 1;
  /** Position inside the lung, each about [-1, 1]: across (positive towards the image's right) and down. */
  readonly across: number;
  readonly down: number;
  /** 0..1, governs size and opacity. */
  readonly severity: number;
  /** Turns, textures and line directions; any number. */
  readonly shape: number;
}

/** A rectangle in pixels from the top left corner of the image, its far edge exclusive. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A rendered phantom: `pixels` [size, size] in 0..255, and one box per lesion, null where nothing shows. */
export interface Rendered {
  readonly pixels: Uint8Array;
  readonly boxes: readonly (Box | null)[];
}

/** A box holds the pixels that a lesion changes by more than this part of its strongest change. */
const boxLevel = 0.25;
/** A lesion that changes no pixel by more than this (grey values of [0, 1], before exposure) has no box. */
const visible = 0.02;
const tissue = 0.62;

export function drawAnatomy(random: Random): Anatomy {
  return {
    lungWidth: 1 + 0.07 * random.normal(),
    lungHeight: 1 + 0.06 * random.normal(),
    heartSize: 1 + 0.08 * random.normal(),
    domeStep: 0.06 + 0.04 * random.uniform(),
    ribSpacing: 0.2 + 0.03 * random.uniform(),
    ribPhase: random.uniform(),
    ribContrast: 0.04 + 0.04 * random.uniform(),
  };
}

export function drawExposure(random: Random, noiseSeed: Random): Exposure {
  const view = random.uniform() < 0.3 ? 'AP' : 'PA';
  return {
    view,
    shiftU: 0.06 * random.normal(),
    shiftV: 0.06 * random.normal(),
    scale: (view === 'AP' ? 1.03 : 0.98) + 0.03 * random.normal(),
    rotationRadians: 0.05 * random.normal(),
    brightness: 0.05 * random.normal(),
    contrast: 1 + 0.1 * random.normal(),
    gamma: Math.exp(0.12 * random.normal()),
    noise: 0.012 + 0.018 * random.uniform(),
    noiseSeed,
  };
}

/**
 * Renders a phantom. With the same anatomy and exposure, and a noise stream in the same state, an image without
 * lesions differs only where a lesion is.
 */
export function renderPhantom(
  anatomy: Anatomy,
  exposure: Exposure,
  lesions: readonly Lesion[],
  size: number,
): Rendered {
  const background = smoothNoise(exposure.noiseSeed, 5);
  const painters = lesions.map((lesion) => lesionOpacity(lesion, anatomy));
  const changes = lesions.map(() => new Float64Array(size * size));
  const pixels = new Uint8Array(size * size);
  const cos = Math.cos(exposure.rotationRadians) / exposure.scale;
  const sin = Math.sin(exposure.rotationRadians) / exposure.scale;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const at = row * size + column;
      const du = (2 * (column + 0.5)) / size - 1 - exposure.shiftU;
      const dv = (2 * (row + 0.5)) / size - 1 - exposure.shiftV;
      const u = cos * du + sin * dv;
      const v = cos * dv - sin * du;
      const place = chest(anatomy, exposure.view, u, v);
      let value = place.value + place.body * 0.05 * background(u, v);
      for (let i = 0; i < painters.length; i++) {
        const painted = painters[i](u, v, place);
        const change = painted.opacity * (painted.towards - value);
        changes[i][at] = Math.abs(change);
        value += change;
      }
      pixels[at] = expose(value, exposure);
    }
  }
  return { pixels, boxes: changes.map((change) => boundingBox(change, size)) };
}

function expose(value: number, { brightness, contrast, gamma, noise, noiseSeed }: Exposure): number {
  const grey = Math.min(1, Math.max(0, contrast * (value - 0.45) + 0.45 + brightness)) ** gamma;
  return Math.round(255 * Math.min(1, Math.max(0, grey + noise * noiseSeed.normal())));
}

/** The healthy chest at one point: its grey value and how far the point lies in the body and in a lung (0..1). */
interface Place {
  readonly value: number;
  readonly body: number;
  /** Lung field before the heart and the diaphragm cover it. */
  readonly field: number;
  /** Lung that is seen. */
  readonly lung: number;
  readonly side: -1 | 1;
  /** Position in this side's lung as in `Lesion`. */
  readonly across: number;
  readonly down: number;
}

function chest(anatomy: Anatomy, view: 'PA' | 'AP', u: number, v: number): Place {
  const side = u < 0 ? -1 : 1;
  const body = inside(Math.abs(u / 0.97) ** 4 + Math.abs((v - 0.35) / 1.35) ** 4, 0.18);
  const { across, down } = lungPosition(anatomy, side, u, v);
  const field = inside(Math.abs(across) ** 2.4 + Math.abs(down) ** 2.8, 0.22) * body;

  let value = 0.03 + body * (tissue - 0.06 * Math.abs(u) - 0.03);
  value += field * (0.2 - value);
  // Vessels thin out from the hilum; the ribs cross the lung field as arcs that fall towards the side.
  const hilum = ((Math.abs(u) - 0.2) / 0.16) ** 2 + ((v + 0.02) / 0.26) ** 2;
  value += field * 0.2 * Math.exp(-hilum);
  const arc = (v + 0.5 * (Math.abs(u) - 0.35) ** 2) / anatomy.ribSpacing + anatomy.ribPhase;
  const ridge = 0.5 + 0.5 * Math.cos(2 * Math.PI * arc);
  value += body * anatomy.ribContrast * ridge ** 3 * inside(Math.abs(v) / 0.72, 0.3);
  const clavicle = (v + 0.72 - 0.16 * Math.abs(u)) / 0.045;
  value += body * 0.12 * Math.exp(-clavicle * clavicle) * inside(Math.abs(Math.abs(u) - 0.42) / 0.34, 0.2);

  const heartScale = anatomy.heartSize * (view === 'AP' ? 1.13 : 1);
  // The heart's long axis points down to the patient's left.
  const long = (0.8 * (u - 0.12) + 0.6 * (v - 0.3)) / (0.43 * heartScale);
  const short = (0.8 * (v - 0.3) - 0.6 * (u - 0.12)) / (0.3 * heartScale);
  const heart = inside(long ** 2 + short ** 2, 0.45);
  const middle = inside(Math.abs(u) / (0.13 + 0.05 * Math.max(0, -v)), 0.5) * body;
  const covered = Math.max(heart, middle);
  value += covered * (0.68 - value);
  value += middle * 0.04 * Math.cos(v * 30);
  const dome = 0.56 - (side < 0 ? anatomy.domeStep : 0) + 0.5 * (Math.abs(u) - 0.42) ** 2;
  const abdomen = step((v - dome) / 0.07) * body;
  value += abdomen * (0.7 - value);
  return { value, body, field, lung: field * (1 - covered) * (1 - abdomen), side, across, down };
}

function lungPosition(anatomy: Anatomy, side: -1 | 1, u: number, v: number) {
  const down = (v + 0.06) / (0.72 * anatomy.lungHeight);
  const halfWidth = 0.33 * anatomy.lungWidth * (1 - 0.3 * Math.max(0, -down));
  return { across: (u - side * 0.44) / halfWidth, down };
}

/** How strongly a lesion covers a point, 0..1, and the grey value it tends to. */
type Painter = (u: number, v: number, place: Place) => { opacity: number; towards: number };

function lesionOpacity(lesion: Lesion, anatomy: Anatomy): Painter {
  const { side, severity, shape } = lesion;
  // Centre in phantom units, the inverse of lungPosition.
  const centreV = lesion.down * 0.72 * anatomy.lungHeight - 0.06;
  const halfWidth = 0.33 * anatomy.lungWidth * (1 - 0.3 * Math.max(0, -lesion.down));
  const centreU = side * 0.44 + lesion.across * halfWidth;
  const strength = 0.5 + 0.5 * severity;
  switch (lesion.kind) {
    case 'nodule': {
      const radius = 0.07 + 0.08 * severity;
      return (u, v, { lung }) => {
        const distance = Math.hypot(u - centreU, v - centreV) / radius;
        return { opacity: lung * strength * inside(distance, 0.6), towards: 0.72 };
      };
    }
    case 'cavity': {
      const radius = 0.1 + 0.08 * severity;
      return (u, v, { lung }) => {
        const distance = Math.hypot(u - centreU, v - centreV) / radius;
        const wall = Math.exp(-(((distance - 1) / 0.3) ** 2));
        const hollow = inside(distance / 0.75, 0.4);
        return wall >= hollow
          ? { opacity: lung * strength * wall, towards: 0.75 }
          : { opacity: lung * strength * hollow, towards: 0.12 };
      };
    }
    case 'consolidation': {
      const radiusU = 0.16 + 0.1 * severity;
      const radiusV = 0.18 + 0.14 * severity;
      const turn = Math.cos(shape) * 0.6;
      return (u, v, { lung }) => {
        const du = u - centreU;
        const dv = v - centreV;
        const distance = Math.hypot((du + turn * dv) / radiusU, (dv - turn * du) / radiusV);
        const patches = 0.7 + 0.3 * ripples(u, v, shape);
        return { opacity: lung * strength * patches * inside(distance, 0.6), towards: 0.66 };
      };
    }
    case 'streaks': {
      const radius = 0.22 + 0.12 * severity;
      const cos = Math.cos(shape);
      const sin = Math.sin(shape);
      return (u, v, { lung }) => {
        const du = u - centreU;
        const dv = v - centreV;
        const bend = 1.5 * (cos * dv - sin * du) ** 2;
        const line = Math.abs(Math.sin((cos * du + sin * dv + bend) * 20));
        const opacity =
          lung * strength * Math.max(0, 1 - 1.6 * line) * inside(Math.hypot(du, dv) / radius, 0.5);
        return { opacity, towards: 0.72 };
      };
    }
    case 'effusion': {
      // Fluid fills the lung field from below; its upper edge rises towards the chest wall.
      const level = 0.5 - 0.34 * severity;
      return (_u, _v, place) => {
        if (place.side !== side) return { opacity: 0, towards: tissue };
        const lateral = Math.max(0, place.across * side + 1) / 2;
        const surface = level + 0.22 * (1 - lateral ** 2);
        const filled = step((place.down - surface) / 0.1);
        return { opacity: place.lung * (0.65 + 0.3 * severity) * filled, towards: 0.68 };
      };
    }
    default:
      return lesion.kind satisfies never;
  }
}

/** 1 well inside `distance` < 1, 0 outside, smooth over `width` around 1. */
function inside(distance: number, width: number): number {
  return step((1 - distance) / width);
}

/** Smooth step from 0 (x ≤ -1/2) to 1 (x ≥ 1/2). */
function step(x: number): number {
  const t = Math.min(1, Math.max(0, x + 0.5));
  return t * t * (3 - 2 * t);
}

/** A cloudy texture in [-1, 1]: the mean of four plane waves of unrelated direction and length. */
function ripples(u: number, v: number, shape: number): number {
  let sum = 0;
  for (let wave = 0; wave < 4; wave++) {
    const angle = shape + 2.4 * wave;
    sum += Math.sin((13 + 4 * wave) * (Math.cos(angle) * u + Math.sin(angle) * v) + 3 * shape * (wave + 1));
  }
  return sum / 4;
}

/** Smooth noise in about [-1, 1] over [-1.5, 1.5]²: a bilinear, eased lattice of `cells` + 1 points a side. */
function smoothNoise(random: Random, cells: number): (u: number, v: number) => number {
  const side = cells + 1;
  const lattice = Float64Array.from({ length: side * side }, () => 2 * random.uniform() - 1);
  return (u, v) => {
    const x = Math.min(cells - 1e-9, Math.max(0, ((u + 1.5) / 3) * cells));
    const y = Math.min(cells - 1e-9, Math.max(0, ((v + 1.5) / 3) * cells));
    const i = Math.floor(x);
    const j = Math.floor(y);
    const fx = step(x - i - 0.5);
    const fy = step(y - j - 0.5);
    const at = j * side + i;
    const top = lattice[at] + fx * (lattice[at + 1] - lattice[at]);
    const bottom = lattice[at + side] + fx * (lattice[at + side + 1] - lattice[at + side]);
    return top + fy * (bottom - top);
  };
}

/** The smallest box around the pixels that changed by more than `boxLevel` of the strongest change. */
function boundingBox(change: Float64Array, size: number): Box | null {
  let peak = 0;
  for (let i = 0; i < change.length; i++) peak = Math.max(peak, change[i]);
  if (peak < visible) return null;
  let [left, right, top, bottom] = [size, -1, size, -1];
  for (let i = 0; i < change.length; i++) {
    if (change[i] <= boxLevel * peak) continue;
    const x = i % size;
    const y = (i - x) / size;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}
