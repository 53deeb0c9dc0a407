/** The last bytes of a text that may be long. */
export class LastBytes {
  readonly #limit: number;
  #kept: Buffer = Buffer.alloc(0);
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(bytes: Uint8Array): void {
    this.#kept = Buffer.concat([this.#kept, bytes]).subarray(-this.#limit);
    this.#bytes += bytes.length;
  }

  text(): string {
    const text = this.#kept.toString('utf8');
    if (this.#bytes === this.#kept.length) return text;
    // Whole lines: half of a secret would not be recognised.
    const lines = text.slice(text.indexOf('\n') + 1);
    return `(the last ${Buffer.byteLength(lines)} of ${this.#bytes} bytes)\n${lines}`;
  }
}
