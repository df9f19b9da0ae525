/**
 * AUROC and AUPRC of every label with a patient-clustered bootstrap, beside a numpy + scikit-learn loop over the
 * same predictions and the same resamples; then the whole evaluation (all metrics, calibration included), which has
 * no peer here.
 *
 *   npm run build && node dist/bench/metrics-bootstrap.js                                    seconds, to try it
 *   … --rows 25596 --patients 2797 --labels 14 --resamples 1000 --peer-resamples 50          the figure
 *
 * PYTHON names an interpreter that has numpy and scikit-learn, default python3; --no-peer leaves it out. Peer time
 * for fewer resamples is scaled up, and said so.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import {
  clusterBootstrap,
  denseClusters,
  evaluateMultilabel,
  knownRows,
  percentileEstimate,
  rank,
  resampleClusters,
  weightedAreas,
} from '../src/metrics/index.js';
import { randomStream } from '../src/random/index.js';

const SEED = 1;
const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '4000' },
    patients: { type: 'string', default: '1500' },
    labels: { type: 'string', default: '5' },
    resamples: { type: 'string', default: '40' },
    'peer-resamples': { type: 'string' },
    peer: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const [rows, labels, resamples] = [flags.rows, flags.labels, flags.resamples].map(Number);
const peerResamples = Math.min(resamples, Number(flags['peer-resamples'] ?? resamples));

// Labels of 2 % to 30 % prevalence whose scores are informative and continuous.
const random = randomStream(SEED, 'bench');
const targets = new Uint8Array(rows * labels);
const probabilities = new Float64Array(rows * labels);
for (let cell = 0; cell < targets.length; cell++) {
  const prevalence = 0.02 + (0.28 * (cell % labels)) / labels;
  targets[cell] = Number(random.uniform() < prevalence);
  probabilities[cell] = 1 / (1 + Math.exp(2 - targets[cell] - random.normal()));
}
const patients = Int32Array.from({ length: rows }, () => random.integer(Number(flags.patients)));

function areas() {
  const clusters = denseClusters(patients);
  const tables = Array.from({ length: labels }, (_, label) => {
    const own = (matrix: ArrayLike<number>) =>
      Float64Array.from({ length: rows }, (_unused, row) => matrix[row * labels + label]);
    const ranking = rank(knownRows('bench', own(probabilities), own(targets)));
    return { ranking, cluster: ranking.rows.map((row) => clusters.ofRow[row]) };
  });
  const weights = new Int32Array(rows);
  const pair = new Float64Array(2);
  const { values, draws } = clusterBootstrap({
    clusters: clusters.count,
    resamples,
    seed: SEED,
    size: 2 * labels,
    statistic: (multiplicity, out) => {
      for (let label = 0; label < labels; label++) {
        const { ranking, cluster } = tables[label];
        for (let i = 0; i < rows; i++) weights[i] = multiplicity[cluster[i]];
        weightedAreas(ranking, weights, pair);
        out.set(pair, 2 * label);
      }
    },
  });
  return { values, draws };
}

const seconds = (since: number) => (performance.now() - since) / 1000;
const report = (what: string, took: number) =>
  console.log(`${what.padEnd(56)} ${took.toFixed(3).padStart(9)} s`);

const { count } = denseClusters(patients);
console.log(`${rows} rows, ${count} patients, ${labels} labels, ${resamples} resamples`);
let start = performance.now();
const own = areas();
const ownSeconds = seconds(start);
report('medfusion: AUROC + AUPRC, sorting included', ownSeconds);

start = performance.now();
evaluateMultilabel({
  labels: Array.from({ length: labels }, (_, label) => `label ${label}`),
  probabilities,
  decisions: Uint8Array.from(probabilities, (p) => Number(p > 0.3)),
  targets,
  known: new Uint8Array(targets.length).fill(1),
  patients,
  resamples,
  seed: SEED,
});
report('medfusion: evaluateMultilabel, every metric', seconds(start));

if (flags.peer) {
  const stream = randomStream(SEED, 'bootstrap');
  const multiplicity = new Int32Array(count);
  const drawn = new Int32Array(peerResamples * count);
  for (let resample = 0; resample < peerResamples; resample++) {
    resampleClusters(stream, multiplicity);
    drawn.set(multiplicity, resample * count);
  }
  const header = JSON.stringify({ rows, labels, patients: count, resamples: peerResamples });
  const arrays = [probabilities, targets, denseClusters(patients).ofRow, drawn];
  const input = Buffer.concat([
    Buffer.from(`${header}\n`),
    ...arrays.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
  ]);
  const peer = spawnSync(process.env.PYTHON ?? 'python3', ['bench/peers/metrics_bootstrap.py'], {
    input,
    stdio: ['pipe', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  });
  if (peer.status !== 0) {
    console.error(
      'the peer did not run; set PYTHON to an interpreter with numpy and scikit-learn, or pass --no-peer',
    );
    process.exit(1);
  }
  const answer: { versions: string; seconds: number; draws: number[][][] } = JSON.parse(String(peer.stdout));
  const scaled = (answer.seconds * resamples) / peerResamples;
  const how = peerResamples === resamples ? '' : `, scaled from ${peerResamples} resamples`;
  report(`${answer.versions}${how}`, scaled);
  console.log(`medfusion is ${(scaled / ownSeconds).toFixed(1)} times as fast`);
  let difference = 0;
  answer.draws.forEach((metrics, label) => {
    metrics.forEach((draws, metric) => {
      draws.forEach((draw, i) => {
        difference = Math.max(difference, Math.abs(draw - own.draws[2 * label + metric][i]));
      });
    });
  });
  console.log(
    `largest difference over the ${peerResamples} shared resamples: ${difference.toExponential(1)}`,
  );
}

const last = 2 * (labels - 1);
const { value, ci95 } = percentileEstimate(own.values[last], own.draws[last], count, () => 'one class only');
console.log(
  `AUROC of the last label: ${value?.toFixed(4)}, 95 % interval ${ci95?.map((b) => b.toFixed(4)).join(' to ')}`,
);
