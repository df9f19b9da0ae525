/** The page as a file: names escaped, nothing fetched, text alternatives, links, size and bytes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { type ReportInput, renderReport } from '../../src/report/index.js';
import { chestLabels, sampleInput, visible } from './sample.js';

const input = sampleInput();
const report = renderReport(input);

/** The input with some of its parts replaced. */
const withParts = (parts: Partial<ReportInput>): ReportInput => ({ ...input, ...parts });

test('names and texts from the data are escaped everywhere', () => {
  const evil = '<script>alert("x")</script>';
  const base = sampleInput({ labels: [evil, "o'clock & <b>"] });
  const page = renderReport({
    ...base,
    name: evil,
    study: {
      ...base.study,
      description: evil,
      inclusion: [evil],
      predictors: [{ name: evil, kind: 'numeric', fill: evil }],
      outcomes: base.labels.map(() => evil),
      missing: [evil],
      model: { kind: 'stage1', facts: [[evil, evil]] },
      order: evil,
    },
    studyYaml: `name: "${evil}"`,
    split: {
      ...base.split,
      description: evil,
      parts: base.split.parts.map((part) => ({ ...part, name: evil })),
    },
    features: { ...base.features, numeric: base.features.numeric.map((f) => ({ ...f, name: evil })) },
    rules: {
      fittedOn: evil,
      criterion: 'auc',
      labels: base.labels.map(() => [{ ...input.rules!.labels[0][0], text: evil }]),
    },
    training: base.training.map((run) => ({ ...run, name: evil })),
    notes: [{ code: evil, message: evil, count: 1 }],
    acceptedFindings: [{ code: evil, message: evil, count: 1 }],
    environment: {
      ...base.environment,
      device: evil,
      versions: { [evil]: evil },
      checksums: { [evil]: evil },
    },
  });
  assert.doesNotMatch(page, /<script/i);
  assert.doesNotMatch(page, /alert\("/);
  assert.doesNotMatch(page, /<b>/);
  assert.ok(page.includes('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;'));
  assert.ok(page.includes('o&#39;clock &amp; &lt;b&gt;'));
});

test('the file asks for nothing from outside and runs no script', () => {
  assert.doesNotMatch(report, /https?:/);
  assert.doesNotMatch(report, /<(?:script|link|img|iframe|object|embed)\b|\bsrc=|@import|\son\w+=/i);
  for (const [, target] of report.matchAll(/(?:href="|url\()([^")]*)/g)) assert.match(target, /^#/);
  assert.ok(report.includes(`default-src 'none'`) || report.includes('default-src &#39;none&#39;'));
});

test('every figure has a text alternative with numbers, a chart and its data as a table', () => {
  const figures = [...report.matchAll(/<figure .*?<\/figure>/gs)].map(([figure]) => figure);
  // Two forests, decisions, tiers, counts, three co-occurrences, three histograms, correlation, three by epoch; three per
  // label.
  assert.equal(figures.length, 15 + 3 * input.labels.length);
  for (const figure of figures) {
    assert.match(figure, /role="img" aria-label="[^"]*\d[^"]*"/);
    assert.match(figure, /<svg [^>]*aria-hidden="true"[^>]*>.*<path/s);
    assert.match(figure, /<details><summary>.*<tbody><tr.*<\/table>/s);
  }
});

test('ids are unique and links lead to them', () => {
  const ids = [...report.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
  const links = [...report.matchAll(/(?:href="|url\()#([^")]+)/g)].map(([, id]) => id);
  assert.ok(links.length > 10);
  for (const id of links) assert.ok(ids.includes(id), id);
});

test('fourteen labels and 5000 test rows stay under 2 MB', () => {
  const big = renderReport(sampleInput({ labels: chestLabels, rows: 5000, fits: 5, resamples: 10 }));
  assert.ok(Buffer.byteLength(big) < 2e6, `${Buffer.byteLength(big)} bytes`);
  for (const label of chestLabels)
    assert.ok(big.includes(`ROC and precision–recall curves of ${label}`), label);
});

test('more than 24 labels: the most frequent are drawn, all are tabulated', () => {
  const labels = Array.from({ length: 26 }, (_, l) => `finding ${l}`);
  const page = renderReport(sampleInput({ labels, rows: 300, resamples: 10 }));
  assert.ok(visible(page).includes('Drawn are the 24 labels with most positive test rows, of 26'));
  assert.equal(page.match(/<figure id="curves-/g)?.length, 24);
  for (const label of labels) assert.ok(page.includes(`<th scope="row">${label}</th>`), label);
});

test('equal input gives equal bytes', () => {
  assert.equal(renderReport(sampleInput()), report);
});

test('lists that do not fit the labels are refused', () => {
  assert.throws(() => renderReport(withParts({ thresholds: [[0.5]] })), {
    name: 'ShapeError',
    message: 'renderReport: thresholds must have 4 entries, got 1',
  });
  assert.throws(
    () => renderReport(withParts({ test: { ...input.test, known: input.test.known.slice(1) } })),
    /test.known must have 1600 entries, got 1599/,
  );
  assert.throws(() => renderReport(withParts({ labels: ['unheard of'] })), /got none for "unheard of"/);
});

test('regression: charts keep the process alive unless disposed', () => {
  const code = `
    const { renderReport } = await import(${JSON.stringify(new URL('../../src/report/index.js', import.meta.url).href)});
    const { sampleInput } = await import(${JSON.stringify(new URL('./sample.js', import.meta.url).href)});
    process.stdout.write(String(renderReport(sampleInput({ rows: 60, resamples: 5 })).length > 10000));`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    timeout: 30_000,
    encoding: 'utf8',
  });
  assert.equal(run.stdout, 'true', run.stderr);
  assert.equal(run.status, 0, 'the process ended by itself');
});
