import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderModelCard } from '../../src/report/index.js';
import { limitations } from '../../src/report/limitations.js';
import { escapeMarkdown } from '../../src/report/markdown.js';
import { sampleInput } from './sample.js';

const input = sampleInput();
const card = renderModelCard(input);

/** Text under a heading. */
function under(heading: string): string {
  const at = card.indexOf(`## ${heading}\n`);
  assert.ok(at >= 0, `no heading "${heading}"`);
  return card.slice(at, card.indexOf('\n## ', at + 1) >>> 0);
}

test('the card has the parts of Mitchell et al. in their order', () => {
  assert.deepEqual(
    [...card.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading),
    [
      'Model details',
      'Intended use',
      'Factors',
      'Metrics',
      'Evaluation data',
      'Training data',
      'Quantitative analyses',
      'Ethical considerations',
      'Caveats and recommendations',
      'Environment',
    ],
  );
});

test('figures carry their intervals and equal the metrics', () => {
  const table = under('Quantitative analyses');
  for (const label of input.labels) {
    const { value, ci95 } = input.metrics.test.labels[label].auroc as {
      value: number;
      ci95: [number, number];
    };
    const [row] = table.split('\n').filter((line) => line.startsWith(`| ${label} |`));
    assert.equal(
      row.split(' | ')[2].replaceAll('\u00a0', ' '),
      `${value.toFixed(3)} (95 % CI ${ci95[0].toFixed(3)} to ${ci95[1].toFixed(3)})`,
    );
  }
});

test('every limitation of the report stands on the card', () => {
  const caveats = under('Caveats and recommendations');
  const listed = limitations(input);
  assert.ok(listed.length >= 3);
  for (const { title, text } of listed)
    assert.ok(caveats.includes(`- **${escapeMarkdown(title)}**: ${escapeMarkdown(text)}`), title);
});

test('names cannot break out of the Markdown', () => {
  const evil = '<b>&"|x\n# `[a](b)*';
  const other = renderModelCard({
    ...sampleInput({ labels: [evil, 'B'], rows: 80, resamples: 5 }),
    name: evil,
  });
  assert.ok(!/<b>|\n# `/.test(other));
  const escaped = '&lt;b&gt;&amp;"\\|x \\# \\`\\[a\\](b)\\*';
  assert.ok(other.startsWith(`# Model card: ${escaped}\n`), other.slice(0, 80));
  const rows = other.split('\n').filter((line) => line.startsWith(`| ${escaped} |`));
  assert.ok(rows.length > 0);
  const columns = (line: string) => line.split(/(?<!\\)\|/).length;
  for (const block of other.split('\n\n').filter((text) => text.startsWith('|'))) {
    const lines = block.trimEnd().split('\n');
    for (const line of lines) assert.equal(columns(line), columns(lines[0]), line);
  }
});

test('equal input gives equal text', () => {
  assert.equal(renderModelCard(sampleInput()), card);
});
