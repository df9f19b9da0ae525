/** What a run was computed with: versions, machine, seed and the fingerprints of its input files. */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** What a run computes on. */
export interface Engine {
  readonly device: string;
  readonly threads: number;
  /** Why `auto` picked the device; null where it was named. */
  readonly reason: string | null;
}

export interface Environment extends Omit<Engine, 'reason'> {
  /** Why `auto` picked the device; null where it was named. */
  readonly deviceReason: string | null;
  readonly medfusion: string;
  readonly node: string;
  /** Null where nothing ran on it: stage 1 needs no engine. */
  readonly onnxruntime: string | null;
  /** Kernel name, release and architecture. */
  readonly os: string;
  readonly cpu: string;
  readonly logicalCores: number;
  readonly memoryGiB: number;
  readonly seed: number;
}

/**
 * Versions and machine, beside the options of the run.
 * @param engine  null: stage 1 alone, which runs in one thread and without ONNX Runtime
 */
export function collectEnvironment(engine: Engine | null, seed: number): Environment {
  const processors = cpus();
  return {
    medfusion: medfusionVersion(),
    node: process.versions.node,
    onnxruntime: engine === null ? null : onnxRuntimeVersion(),
    os: `${type()} ${release()} ${arch()}`,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    logicalCores: processors.length,
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    device: engine?.device ?? 'cpu',
    deviceReason: engine?.reason ?? null,
    threads: engine?.threads ?? 1,
    seed,
  };
}

/** The version of this package. */
export function medfusionVersion(): string {
  return versionIn(new URL('../../../package.json', import.meta.url));
}

function onnxRuntimeVersion(): string {
  return versionIn(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
}

function versionIn(packageFile: string | URL): string {
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
  return version;
}

/** SHA-256 of a file's bytes, hexadecimal. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/**
 * Fingerprint of a set of files by relative name and size: found in a moment for any number of images, blind to a
 * change that keeps the size.
 * @param paths      absolute, in any order, repeats allowed
 * @param directory  folder that the names are taken relative to
 */
export async function fileSetSha256(
  paths: readonly string[],
  directory: string,
): Promise<{ readonly files: number; readonly sha256: string }> {
  const unique = [...new Set(paths)].sort();
  const hash = createHash('sha256');
  for (const path of unique)
    hash.update(`${relative(directory, path).replaceAll(sep, '/')}\t${(await stat(path)).size}\n`);
  return { files: unique.length, sha256: hash.digest('hex') };
}
