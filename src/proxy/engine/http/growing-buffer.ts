/** Collects bytes in one piece of memory that doubles when it is full. */
export class GrowingBuffer {
  #memory: Buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** How much memory it takes, once that many bytes have been appended. */
  capacityAfter(bytes: number): number {
    const needed = this.#length + bytes;
    if (needed <= this.#memory.length) return this.#memory.length;
    return Math.max(needed, this.#memory.length * 2, 512);
  }

  append(bytes: Buffer, start = 0, end = bytes.length): void {
    const capacity = this.capacityAfter(end - start);
    if (capacity > this.#memory.length) {
      const larger = Buffer.allocUnsafe(capacity);
      this.#memory.copy(larger, 0, 0, this.#length);
      this.#memory = larger;
    }
    // A call into the runtime takes longer than a single byte, of which there may be millions.
    if (end - start === 1) this.#memory[this.#length] = bytes[start] ?? 0;
    else bytes.copy(this.#memory, this.#length, start, end);
    this.#length += end - start;
  }

  /** Valid until the next `append`. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }
}
