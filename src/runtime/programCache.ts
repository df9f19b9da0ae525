/**
 * Programs as ONNX Runtime has optimised them, in a folder, so that they need not be optimised again: MedFusionNet `base`
 * training loads in a third of the time. A file holds a program and no weights, inputs or anything else of a patient.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../errors.js';

/** Bytes of all files; those that have not been used for longest go. MedFusionNet `base` takes 6 MB. */
const mostBytes = 256 * 2 ** 20;

const extension = '.program';
const part = '.part';
/** Age at which what an interrupted process left behind goes, milliseconds. */
const stalePart = 3_600_000;

const magic = Buffer.from('medfusion program 1\n', 'latin1');
const digestBytes = 32;

/**
 * The name of a program in the cache.
 * @param onnx  the program as compiled
 * @param facts all that the optimised form depends on besides: versions, processor, options
 */
export function programKey(onnx: Uint8Array, facts: Readonly<Record<string, unknown>>): string {
  return createHash('sha256').update(JSON.stringify(facts)).update('\0').update(onnx).digest('hex');
}

/** Covers the key, so that a file under another one's name is not taken for it. */
const digestOf = (key: string, bytes: Uint8Array) => createHash('sha256').update(key).update(bytes).digest();

/** The optimised program, or null where there is none, or none that is whole. */
export async function readProgram(folder: string, key: string): Promise<Uint8Array | null> {
  const path = join(folder, key + extension);
  const file = await readFile(path).catch(() => null);
  if (file === null) return null;
  const start = magic.length + digestBytes;
  const digest = file.subarray(magic.length, start);
  const bytes = file.subarray(start);
  if (!file.subarray(0, magic.length).equals(magic) || !digest.equals(digestOf(key, bytes))) return null;
  const now = new Date();
  // So that it counts as used; a folder that may only be read serves as well.
  await utimes(path, now, now).catch(() => undefined);
  return bytes;
}

let written = 0;

/**
 * Keeps what `write` writes to the path that it is given; a reader sees it whole or not at all.
 * @param limit bytes of all files, above which the longest unused go
 * @returns what `write` returned
 * @throws ConfigError when the folder cannot be written to, leaving nothing half-written
 */
export async function keepProgram<T>(
  folder: string,
  key: string,
  write: (path: string) => Promise<T>,
  limit = mostBytes,
): Promise<T> {
  const bare = join(folder, `.${key}.${process.pid}.${written++}.bare${part}`);
  const whole = bare.replace('.bare', '');
  try {
    await writable(() => mkdir(folder, { recursive: true }));
    await writable(() => open(bare, 'w').then((file) => file.close()));
    const result = await write(bare);
    await writable(async () => {
      const bytes = await readFile(bare);
      const file = await open(whole, 'w');
      try {
        for (const piece of [magic, digestOf(key, bytes), bytes]) await file.appendFile(piece);
      } finally {
        await file.close();
      }
      await rename(whole, join(folder, key + extension));
    });
    await shrink(folder, limit);
    return result;
  } finally {
    for (const path of [bare, whole]) await rm(path, { force: true }).catch(() => undefined);
  }
}

async function writable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new ConfigError(
      `program cache: its folder must be writable with room for a few megabytes, got ${code}; free space or name another folder`,
      'cache',
    );
  }
}

/** Removes the files that have not been used for longest, until the rest is within the limit, and stale parts. */
async function shrink(folder: string, limit: number): Promise<void> {
  const names = await readdir(folder);
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      // Another process may remove it meanwhile.
      const found = await stat(path).catch(() => null);
      return { path, bytes: found?.size ?? 0, used: found?.mtimeMs ?? 0 };
    }),
  );
  const old = files.filter(({ path, used }) => path.endsWith(part) && Date.now() - used > stalePart);
  let bytes = 0;
  const surplus = files
    .filter(({ path }) => path.endsWith(extension))
    .sort((a, b) => b.used - a.used)
    .filter((file) => {
      bytes += file.bytes;
      return bytes > limit;
    });
  for (const { path } of [...old, ...surplus]) await rm(path, { force: true });
}
