/**
 * The examples in README.md, BENCHMARKS.md and docs/ work as they stand: study files parse, commands and their options
 * exist, TypeScript compiles and prints what its comments say, links lead somewhere.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { runCommandLine } from '../src/cli/program.js';
import { generateStudy, loadCohort } from '../src/data/index.js';
import {
  type MedFusionConfig,
  medFusionGroup,
  medFusionInputs,
  medFusionNet,
  medFusionSizes,
} from '../src/models/index.js';
import { ParameterList, Scope } from '../src/nn/index.js';
import { parseStudy, resolveStudy, studySplits } from '../src/study/index.js';

const markdown = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
const pages = [...markdown('.'), ...markdown('docs'), ...markdown('docs/decisions')].sort();

/** A fenced block: where it stands, the words after its fence, its text. */
interface Block {
  readonly place: string;
  readonly kind: string;
  readonly text: string;
}
const blocks: Block[] = pages.flatMap((page) => {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    place: `${page}:${text.slice(0, match.index).split('\n').length}`,
    kind: match[1],
    text: match[2],
  }));
});
const ofKind = (kind: string) => blocks.filter((block) => block.kind === kind);

test('every fenced block is of a kind that is checked here, or plain text', () => {
  const kinds = ['', 'text', 'sh', 'yaml study', 'ts run'];
  for (const { place, kind } of blocks) assert.ok(kinds.includes(kind), `${place}: unknown kind "${kind}"`);
  assert.ok(ofKind('sh').length > 0 && ofKind('yaml study').length > 0 && ofKind('ts run').length > 0);
});

test('every study is read, together with the generated data, and splits', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'medfusion-docs-'));
  try {
    const directory = join(folder, 'study');
    await generateStudy({ directory, patients: 200 });
    for (const { place, text } of ofKind('yaml study')) {
      const study = parseStudy(text, place);
      const resolved = resolveStudy(study, { studyFile: join(directory, 'study.yaml') });
      const cohort = await loadCohort(resolved.cohort);
      const splits = await studySplits(resolved, cohort);
      assert.ok(splits.length > 0 && splits[0].test.length > 0, place);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** What a help text says, or null where there is no such command. */
async function helpOf(command: readonly string[]): Promise<string | null> {
  let text = '';
  const write = (part: string) => {
    text += part;
  };
  const code = await runCommandLine([...command, '--help'], { out: write, err: () => {} });
  return code === 0 ? text : null;
}

test('every medfusion command and option exists, and every npm script', async () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  let checked = 0;
  for (const { place, text } of ofKind('sh')) {
    for (const line of text.replaceAll('\\\n', ' ').split(/\n|&&|;/)) {
      const words = line.trim().split(/\s+/);
      while (/^[A-Z_]+=/.test(words[0])) words.shift();
      if (words[0] === 'npm' && words[1] === 'run') {
        assert.ok(words[2] in scripts, `${place}: ${line}`);
        const command = /cli\/main\.js (\S+)/.exec(scripts[words[2]])?.[1];
        if (command !== undefined)
          assert.ok((await helpOf([command])) !== null, `${place}: no command ${command}`);
      }
      if (words[0] === 'node') assert.ok(existsSync(words[1]), `${place}: ${words[1]} is not there`);
      if (words[0] !== 'medfusion') continue;
      const help = await helpOf(words[1].startsWith('-') ? [] : [words[1]]);
      assert.ok(help !== null, `${place}: there is no command "${words[1]}"`);
      for (const option of words.filter((word) => word.startsWith('--')))
        assert.match(help, new RegExp(`${option}\\b`), `${place}: ${words[1]} has no ${option}`);
      for (const file of words.filter((word) => word.startsWith('examples/')))
        assert.ok(existsSync(file), `${place}: ${file} is not there`);
      checked++;
    }
  }
  assert.ok(checked > 5);
});

test('every TypeScript example compiles and prints what its comments say', () => {
  const folder = 'dist/docs';
  mkdirSync(folder, { recursive: true });
  const examples = ofKind('ts run').map((block, i) => ({ ...block, name: `example${i}` }));
  for (const { name, text } of examples) writeFileSync(join(folder, `${name}.ts`), text);
  const files = examples.map(({ name }) => join(folder, `${name}.ts`));
  const options = [
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    'node',
  ];
  const compiler = spawnSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '--ignoreConfig', ...options, ...files],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(compiler.status, 0, compiler.stdout);
  for (const { name, place, text } of examples) {
    const run = spawnSync(process.execPath, [join(folder, `${name}.js`)], { encoding: 'utf8' });
    assert.equal(run.status, 0, `${place}: ${run.stderr}`);
    const expected = [...text.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map((match) => match[1]);
    assert.ok(expected.length > 0, `${place}: prints nothing that could be checked`);
    assert.deepEqual(run.stdout.trimEnd().split('\n'), expected, place);
  }
});

test('every relative link leads to a file', () => {
  for (const page of pages) {
    for (const [, target] of readFileSync(page, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?:|#)/.test(target)) continue;
      const path = join(dirname(page), target.split('#')[0]);
      assert.ok(existsSync(path), `${page}: ${target} is not there`);
    }
  }
});

test('docs/model.md states the sizes as they are', () => {
  const text = readFileSync('docs/model.md', 'utf8');
  for (const [name, size] of Object.entries(medFusionSizes)) {
    const side = { nano: 64, tiny: 128, base: 224 }[name]!;
    const config: MedFusionConfig = {
      size: name as MedFusionConfig['size'],
      labels: 8,
      image: { side, channels: 3, slots: 2, views: 1, mirror: false },
      tabular: { numeric: 1, levels: [3] },
      text: null,
      branches: { cnn: true, transformer: true, temporal: true },
      interaction: true,
      pyramid: true,
      fusion: 'attention',
      classGate: true,
      dropout: 0.1,
      stochasticDepth: 0.05,
      prevalence: new Array<number>(8).fill(0.1),
      priorLogits: new Array<number>(8).fill(-2.2),
    };
    const list = new ParameterList();
    medFusionNet(new Scope(list, true), medFusionInputs(config, 2), config);
    const groups: Record<string, number> = { cnn: 0, transformer: 0, interaction: 0, classifier: 0 };
    for (const [parameter, { shape }] of list.trainable())
      groups[medFusionGroup(parameter)] += shape.reduce((product, extent) => product * extent, 1);
    const { cnn, transformer, width } = size;
    const cells = [
      `\`${name}\``,
      `${side} px`,
      `growth ${cnn.growth}, blocks ${cnn.blocks.join('-')}, stem ${cnn.stemChannels}`,
      `patch ${transformer.patch}, width ${transformer.width}, depth ${transformer.depth}, ${transformer.heads} heads`,
      ...[width, ...Object.values(groups), list.count()].map((count) => count.toLocaleString('en-US')),
    ];
    const stated = text
      .split('\n')
      .find((line) => line.startsWith(`| ${cells[0]} |`))
      ?.split('|')
      .slice(1, -1)
      .map((cell) => cell.replace(/\(.*\)/, '').trim());
    assert.deepEqual(stated, cells);
  }
});
