import type { BodyEdit } from '../api-rules.js';
import { collectBody } from './collect-body.js';
import type { EngineConnection } from './engine-pool.js';
import type { ClientSide, Counters, ResponseEditor } from './exchange.js';
import { encodeResponseHead, type ResponseHead } from './head.codec.js';
import { BodyScanner, relayBody } from './relay-body.js';
import { withLength } from './with-length.plan.js';

export interface Editing {
  readonly edit: BodyEdit;
  readonly maxBytes: number;
  readonly counters: Counters;
}

/**
 * Delivers a response with an edited body. A response that is longer than `maxBytes`, or broken, or not
 * changed by the edit is delivered exactly as received.
 */
export function responseEditor(
  client: ClientSide,
  engine: EngineConnection,
  { edit, maxBytes, counters, head }: Editing & { readonly head: ResponseHead },
): ResponseEditor {
  return async ({ raw, framing }) => {
    const scanner = new BodyScanner(framing);
    const body = await collectBody(engine.reader, scanner, maxBytes);
    const write = (bytes: Uint8Array): void => {
      counters.toClient += bytes.length;
      client.stream.write(bytes);
    };
    const edited = body.end === 'done' ? edit(Buffer.concat(body.content)) : undefined;
    client.stream.cork();
    if (edited !== undefined) {
      write(Buffer.from(encodeResponseHead(withLength(head, edited.length)), 'latin1'));
      write(edited);
    } else {
      write(raw);
      body.raw.forEach(write);
    }
    client.stream.uncork();
    if (body.end !== 'too large') return body.end;
    return relayBody(engine.reader, client.stream, {
      scanner,
      onBytes: (count) => (counters.toClient += count),
    });
  };
}
