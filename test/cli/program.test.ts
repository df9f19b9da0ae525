import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { reportFailure } from '../../src/cli/failure.js';
import { runCommandLine } from '../../src/cli/program.js';
import { DataError } from '../../src/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'medfusion-cli-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command line within this process. */
async function run(...args: string[]) {
  let out = '';
  let err = '';
  const code = await runCommandLine(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

test('help and version are results; every command has an example that can be copied', async () => {
  const { code, out, err } = await run('--help');
  assert.deepEqual([code, err], [0, '']);
  const commands = [...out.matchAll(/^ {2}(\w+) (?:\[options\] )?<|^ {2}(\w+) \[options\]/gm)].map(
    (match) => match[1] ?? match[2],
  );
  assert.ok(commands.includes('evaluate'));
  for (const command of commands) {
    const help = await run(command, '--help');
    assert.equal(help.code, 0);
    assert.match(
      help.out,
      new RegExp(`Example:\\n {2}medfusion ${command} `),
      `${command} --help has no example`,
    );
    assert.match(help.out, /--debug/);
  }
  assert.match((await run('--version')).out, /^\d+\.\d+\.\d+/);
});

test('a mistyped command, flag or argument is bad input and names the nearest', async () => {
  const command = await run('evalute', 'x');
  assert.equal(command.code, 2);
  assert.match(command.err, /unknown command 'evalute'[\s\S]*Did you mean evaluate\?/);
  const flag = await run('evaluate', 'x', '--debg');
  assert.equal(flag.code, 2);
  assert.match(flag.err, /unknown option '--debg'[\s\S]*Did you mean --debug\?/);
  const argument = await run('evaluate');
  assert.deepEqual([argument.code, argument.out], [2, '']);
  assert.match(argument.err, /missing required argument 'run'/);
});

test('bad input is told without a stack, a fault of ours as internal; --debug shows where', async () => {
  const plain = await run('evaluate', join(folder, 'absent'));
  assert.deepEqual([plain.code, plain.out], [2, '']);
  assert.match(
    plain.err,
    /^error: run folder .*absent: no such folder; name one that "medfusion train" wrote\n$/,
  );
  assert.match((await run('evaluate', join(folder, 'absent'), '--debug')).err, /\n {4}at /);
  const told = (error: unknown, debug: boolean) => {
    let text = '';
    const code = reportFailure(error, {
      debug,
      write: (part) => {
        text += part;
      },
    });
    return { code, text };
  };
  const ours = told(new TypeError('x is not a function'), false);
  assert.equal(ours.code, 1);
  assert.match(
    ours.text,
    /^internal: x is not a function\nThis is a fault of medfusion; --debug shows where\.\n$/,
  );
  assert.match(
    told(new Error('internal: lost'), true).text,
    /^internal: lost\nError: internal: lost\n {4}at /,
  );
  assert.equal(told(new DataError('x', 'y'), false).code, 2);
});

test('the installed program hands its exit code to the shell', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/src/cli/main.js', 'evaluate', folder],
    {
      encoding: 'utf8',
    },
  );
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /holds no study\.yaml/);
});
