/**
 * Splits a TCP stream into messages, `length:u16 message:length bytes`
 * (https://www.rfc-editor.org/rfc/rfc1035#section-4.2.2). Buffers at most one incomplete message.
 */
export class Framing {
  #pending: Uint8Array = new Uint8Array();

  /** Takes the next chunk of the stream and returns the messages that it completes, in order. */
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

  /** The announced length of the incomplete message, once its length field has arrived. */
  get expectedBytes(): number | undefined {
    const [high, low] = this.#pending;
    return high === undefined || low === undefined ? undefined : (high << 8) | low;
  }
}

/** A message with its length in front, as TCP carries it. */
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
