/** A text file as blocks of whole lines: read piece by piece, gunzipped, checked to be UTF-8, line ends made one. */
import { isAscii, isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { DataError } from '../errors.js';

const PIECE_BYTES = 2 ** 20;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * The text of a file without a byte order mark, in blocks that each end with `\n`; one is put after a last line that
 * lacks it. `\r\n` and `\r` read `\n`. Only one block is in memory at a time.
 * @param file path; one that ends in `.gz` is gunzipped
 * @throws DataError `unreadable-table` or `bad-encoding`
 */
export async function* textBlocks(file: string): AsyncGenerator<string> {
  let first = true;
  for await (const lines of lineBlocks(bytesOf(file))) {
    if (!isUtf8(lines)) {
      throw new DataError(
        'bad-encoding',
        'readTable: the table must be UTF-8, got other bytes; save it as UTF-8',
        { file },
      );
    }
    let text = lines.toString(isAscii(lines) ? 'latin1' : 'utf8');
    if (first && text.startsWith('\ufeff')) text = text.slice(1);
    first = false;
    if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n');
    if (text !== '') yield text.endsWith('\n') ? text : `${text}\n`;
  }
}

async function* bytesOf(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file, { highWaterMark: PIECE_BYTES });
  const zipped = file.toLowerCase().endsWith('.gz');
  const bytes = zipped ? source.pipe(createGunzip({ chunkSize: PIECE_BYTES })) : source;
  source.once('error', (error) => bytes.destroy(error));
  try {
    yield* bytes;
  } catch (cause) {
    throw new DataError(
      'unreadable-table',
      `readTable: the table must be a readable file, got ${(cause as NodeJS.ErrnoException).code ?? String(cause)}; check the path and that a .gz file is whole`,
      { file },
    );
  } finally {
    source.destroy();
  }
}

/** The same bytes cut after line ends, where no character is cut in two. */
async function* lineBlocks(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let open: Buffer[] = [];
  for await (const piece of pieces) {
    const end = lastLineEnd(piece);
    if (end > 0) {
      yield Buffer.concat([...open, piece.subarray(0, end)]);
      open = [];
    }
    open.push(piece.subarray(end));
  }
  yield Buffer.concat(open);
}

/** Where the last whole line ends; 0 without one. A `\r` counts only where what follows it is known not to be `\n`. */
function lastLineEnd(piece: Buffer): number {
  const newline = piece.lastIndexOf(NEWLINE) + 1;
  return newline > 0 ? newline : piece.subarray(0, -1).lastIndexOf(CARRIAGE_RETURN) + 1;
}
