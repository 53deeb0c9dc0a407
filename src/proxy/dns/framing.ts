/**
 * Cuts a TCP stream into messages: `length:u16 message:length bytes`, RFC 1035 §4.2.2. Holds at most one message and what
 * came behind it in one chunk.
 */
export class Framing {
  #pending: Uint8Array = new Uint8Array();

  /** Takes what arrived and returns the messages that are whole now, in order. */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    this.#pending = this.#pending.length === 0 ? chunk : joined(this.#pending, chunk);
    const messages: Uint8Array[] = [];
    for (;;) {
      const length = this.expectedBytes;
      if (length === undefined || this.#pending.length < 2 + length) return messages;
      messages.push(Uint8Array.from(this.#pending.subarray(2, 2 + length)));
      this.#pending = this.#pending.subarray(2 + length);
    }
  }

  /** The length that the unfinished message has announced. */
  get expectedBytes(): number | undefined {
    const [high, low] = this.#pending;
    return high === undefined || low === undefined ? undefined : (high << 8) | low;
  }
}

/** One message as it goes over TCP. */
export function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + message.length);
  new DataView(bytes.buffer).setUint16(0, message.length);
  bytes.set(message, 2);
  return bytes;
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + tail.length);
  bytes.set(head);
  bytes.set(tail, head.length);
  return bytes;
}
