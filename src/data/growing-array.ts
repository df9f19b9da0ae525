/** Columns of numbers that grow row by row. */
type Values = Float64Array | Int32Array | Uint8Array;

/** A typed array whose length is not known beforehand. */
export class GrowingArray<T extends Values> {
  readonly #make: (length: number) => T;
  #values: T;
  #size = 0;

  constructor(make: (length: number) => T) {
    this.#make = make;
    this.#values = make(1024);
  }

  get size(): number {
    return this.#size;
  }

  push(value: number): void {
    if (this.#size === this.#values.length) this.#resize(2 * this.#size);
    this.#values[this.#size++] = value;
  }

  /** The values, in an array of their number; to be called last. */
  finish(): T {
    this.#resize(this.#size);
    return this.#values;
  }

  #resize(length: number): void {
    const values = this.#make(length);
    values.set(this.#values.subarray(0, this.#size));
    this.#values = values;
  }
}

/** Growing arrays of double precision and of 32-bit integers. */
export const growingFloats = (): GrowingArray<Float64Array> => new GrowingArray((n) => new Float64Array(n));
export const growingIntegers = (): GrowingArray<Int32Array> => new GrowingArray((n) => new Int32Array(n));
