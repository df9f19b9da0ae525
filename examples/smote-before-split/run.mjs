// The classic mistake: synthetic rows are made from all rows, and only then are the rows split.
//
//   node examples/smote-before-split/run.mjs        columns of noise, which say nothing of the label
//   node examples/smote-before-split/run.mjs DIR    Biopsy of examples/cervical.yaml, its data in DIR
//
// Both ways grow the same tree in the same five folds and differ in one thing: when SMOTE is applied.
import { readFileSync } from 'node:fs';
import { randomStream } from 'medfusion';
import { loadCohort } from 'medfusion/data';
import { auroc } from 'medfusion/metrics';
import { fitImputer, growTree, impute, leafOf, nodeProbability, smote, sortColumns } from 'medfusion/risk';
import { parseStudy, resolveStudy } from 'medfusion/study';

const repeats = 5;
const folds = 5;
const seed = 1;

const [directory] = process.argv.slice(2);
const published = directory === undefined ? null : await cervical(directory);

const scores = { before: [], inside: [] };
for (let repeat = 0; repeat < repeats; repeat++) {
  const table = published ?? noise(repeat);
  scores.before.push(resampleThenSplit(table, repeat));
  scores.inside.push(splitThenResample(table, repeat));
}
const mean = (values) => (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(2);
console.log(
  `${published === null ? 'noise' : 'Biopsy'}: AUROC, mean of ${repeats} repeats of ${folds} folds`,
);
console.log(
  `SMOTE before the split:       ${mean(scores.before)}   wrong: test rows are made of training rows`,
);
console.log(`SMOTE inside training folds:  ${mean(scores.inside)}   what new patients would see`);

/** Wrong. Synthetic rows lie between real ones: of two neighbours one is learnt by heart, and the other is "tested". */
function resampleThenSplit({ columns, target }, repeat) {
  const { columns: more, target: balanced } = withSynthetic(columns, target, repeat);
  return outOfFold(more, balanced, repeat, (rows) => [gather(more, rows), pick(balanced, rows)]);
}

/** Right. Test rows are real rows, and no synthetic row knows of them. */
function splitThenResample({ columns, target }, repeat) {
  return outOfFold(columns, target, repeat, (rows) => {
    const made = withSynthetic(gather(columns, rows), pick(target, rows), repeat);
    return [made.columns, made.target];
  });
}

/** AUROC of the pooled out-of-fold probabilities of a tree. `sample` gives what is fitted for some training rows. */
function outOfFold(all, truth, repeat, sample) {
  const fold = dealFolds(truth, repeat);
  const probabilities = new Float64Array(truth.length);
  for (let k = 0; k < folds; k++) {
    const [fitted, labels] = sample(Int32Array.from(truth.keys()).filter((row) => fold[row] !== k));
    const rows = Int32Array.from(labels.keys());
    const tree = growTree(fitted, sortColumns(fitted, rows), labels, rows, {
      maxDepth: 12,
      minLeaf: 5,
      classWeight: [1, 1],
    });
    for (const row of truth.keys())
      if (fold[row] === k) probabilities[row] = nodeProbability(tree, leafOf(tree, all, row));
  }
  return auroc(probabilities, truth);
}

function withSynthetic(real, truth, repeat) {
  const { minority, columns: made } = smote(real, truth, randomStream(seed, 'smote', repeat));
  return {
    columns: real.map((column, c) => Float64Array.of(...column, ...made[c])),
    target: Uint8Array.of(...truth, ...made[0].map(() => minority)),
  };
}

/** A fold for every row, each class dealt out evenly. */
function dealFolds(truth, repeat) {
  const order = randomStream(seed, 'folds', repeat).shuffle(Int32Array.from(truth.keys()));
  const dealt = [0, 0];
  const fold = new Uint8Array(truth.length);
  for (const row of order) fold[row] = dealt[truth[row]]++ % folds;
  return fold;
}

/** As many rows, columns and positives as the cervical study has, drawn anew for every repeat. */
function noise(repeat) {
  const [rows, width, positives] = [835, 19, 54];
  const stream = randomStream(seed, 'noise', repeat);
  return {
    columns: Array.from({ length: width }, () => Float64Array.from({ length: rows }, () => stream.normal())),
    target: Uint8Array.from({ length: rows }, (_, row) => (row < positives ? 1 : 0)),
  };
}

/** Medians fill the gaps; that they look at all rows lifts nothing here. */
async function cervical(dataDirectory) {
  const studyFile = 'examples/cervical.yaml';
  const study = parseStudy(readFileSync(studyFile, 'utf8'), studyFile);
  const cohort = await loadCohort(resolveStudy(study, { studyFile, dataDirectory }).cohort);
  const rows = Int32Array.from({ length: cohort.size }, (_, row) => row);
  const label = cohort.labels.indexOf('Biopsy');
  return {
    columns: impute(fitImputer(cohort, rows), cohort, rows).numeric.map(({ values }) => values),
    target: Uint8Array.from(rows, (row) => cohort.targets[row * cohort.labels.length + label]),
  };
}

function gather(all, rows) {
  return all.map((column) => Float64Array.from(rows, (row) => column[row]));
}

function pick(values, rows) {
  return Uint8Array.from(rows, (row) => values[row]);
}
