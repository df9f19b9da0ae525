// Runs every compiled test file whose name ends in the given suffix under node's test runner.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const suffix = process.argv[2] ?? '.test.js';
const filter = process.argv[3] ?? '';
const files = readdirSync('dist/test', { recursive: true })
  .map((name) => `dist/test/${String(name).replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith(suffix) && name.includes(filter))
  .sort();
if (files.length === 0) {
  console.error(`no test file ends in ${suffix} and contains "${filter}"; run npm run build first`);
  process.exit(2);
}
const run = spawnSync(
  process.execPath,
  [
    '--import=./scripts/properties.mjs',
    '--test',
    '--test-concurrency=2',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    ...files,
  ],
  { stdio: 'inherit' },
);
process.exit(run.status ?? 1);
