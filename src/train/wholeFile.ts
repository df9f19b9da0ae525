/** Writing a file whole or not at all. */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError } from '../errors.js';

/** Text, text in pieces, or bytes. */
export type FileContent = string | Uint8Array | Iterable<string>;

/** Puts the content into the open, empty file. */
export type WriteContent = (file: FileHandle, content: FileContent) => Promise<void>;

/** Faults of the disk that the user can mend, and how. */
const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space and run again with --resume',
  EDQUOT: 'your quota is used up: free some space and run again with --resume',
  EFBIG: 'the file system or a limit forbids files of this size: choose another folder with --out',
  EACCES: 'you may not write there: choose another folder with --out',
  EROFS: 'that disk is read-only: choose another folder with --out',
};

/**
 * Writes a file so that readers see the old content or the new, never a part: a temporary file in the same
 * folder, flushed to disk, renamed, and the folder flushed too. The temporary name is fixed, so that a run
 * that is killed leaves at most one, and the next write replaces it; one writer per file at a time.
 * Missing folders are made.
 * @param write how the bytes get into the file; replaceable to see what happens when it fails
 * @throws DataError `cannot-write` when the disk is full or may not be written; the old file stays as it was
 */
export async function writeWhole(
  path: string,
  content: FileContent,
  write: WriteContent = writeContent,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.part`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'w');
    try {
      await write(file, content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!Object.hasOwn(remedies, code)) throw error;
    throw new DataError(
      'cannot-write',
      `writeWhole: the disk must take the file, got ${code}; ${remedies[code]}; ` +
        'what stood there before is unchanged',
      { file: path },
    );
  }
}

async function writeContent(file: FileHandle, content: FileContent): Promise<void> {
  if (typeof content === 'string' || content instanceof Uint8Array) return file.writeFile(content);
  for (const piece of content) await file.appendFile(piece);
}

/** Flushes a folder's entries, so that a rename outlives a power cut; Windows has no such call. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
