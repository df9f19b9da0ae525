/** Strings that outlive the text they were cut from. */

/** Shorter pieces of a string are copies in V8; longer ones refer to the whole string and keep it in memory. */
const SHORTEST_SLICE = 13;

/** The same text, free of the block of text that it was cut from. */
export function ownText(text: string): string {
  return text.length < SHORTEST_SLICE ? text : Buffer.from(text).toString();
}

/** Keeps one copy of each distinct text. */
export class StringPool {
  readonly #known = new Map<string, string>();

  of(text: string): string {
    let own = this.#known.get(text);
    if (own === undefined) {
      own = ownText(text);
      this.#known.set(own, own);
    }
    return own;
  }
}
