// Packs the package as it would be published, looks at what is in it, installs it into an empty folder and uses it
// there: every export imports and type-checks, the command line runs. Run after `npm run build`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const largestPackedBytes = 1_000_000;
const { name, exports: subpaths } = JSON.parse(readFileSync('package.json', 'utf8'));
const compiler = resolve('node_modules/typescript/bin/tsc');
const folder = mkdtempSync(join(tmpdir(), 'medfusion-package-'));

/** Runs a program in the empty folder and returns what it prints. */
function run(program, args, options = {}) {
  return execFileSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
    // The engine's CPU libraries are in its package; what its install script would add is CUDA from elsewhere.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
}

try {
  const packed = JSON.parse(
    run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: process.cwd() }),
  );
  const [{ filename, size, files }] = Array.isArray(packed) ? packed : Object.values(packed);
  const paths = files.map((file) => file.path);
  const wanted = /^(dist\/src\/|docs\/|examples\/|(README|CHANGELOG)\.md$|LICENSE$|package\.json$)/;
  assert.deepEqual(
    paths.filter((path) => !wanted.test(path)),
    [],
    'files that do not belong into the package',
  );
  for (const path of ['README.md', 'CHANGELOG.md', 'LICENSE', 'docs/study-file.md', 'docs/references.bib']) {
    assert.ok(paths.includes(path), `${path} is missing from the package`);
  }
  assert.ok(size < largestPackedBytes, `the package has ${size} bytes, more than ${largestPackedBytes}`);
  console.log(`packed ${paths.length} files, ${(size / 1000).toFixed(0)} kB`);

  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  run('npm', ['install', '--no-audit', '--no-fund', join(folder, filename)]);

  const specifiers = Object.keys(subpaths).map((subpath) => name + subpath.slice(1));
  const imports = specifiers.map((specifier, i) => `import * as part${i} from '${specifier}';`);
  const counts = specifiers.map((_, i) => `Object.keys(part${i}).length`);
  writeFileSync(
    join(folder, 'consumer.ts'),
    [
      ...imports,
      `const counts: number[] = [${counts.join(', ')}];`,
      'console.log(JSON.stringify(counts));',
    ].join('\n'),
  );
  run(process.execPath, [
    compiler,
    ...['--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023', '--types', ''],
    ...['--outDir', 'out', 'consumer.ts'],
  ]);
  const exported = JSON.parse(run(process.execPath, ['out/consumer.js']));
  specifiers.forEach((specifier, i) => {
    assert.ok(exported[i] > 0, `${specifier} exports nothing`);
  });
  console.log(`imported ${specifiers.join(', ')}`);

  const bin = join(folder, 'node_modules', '.bin', name);
  const help = run(bin, ['--help']);
  const commands = [
    ...help
      .split('Commands:')[1]
      .split('\n\n')[0]
      .matchAll(/^ {2}([a-z]+) /gm),
  ].map((match) => match[1]);
  assert.ok(commands.includes('train'), `--help names no command "train": ${help}`);
  for (const command of commands) {
    const text = run(bin, [command, '--help']);
    assert.ok(text.includes(`medfusion ${command}`), `${command} --help has no example: ${text}`);
  }
  console.log(`ran ${name} ${commands.join(', ')} with --help`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
