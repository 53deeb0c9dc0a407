import type { BodyEdit } from '../api-rules.js';
import { collectBody } from './collect-body.js';
import type { EngineConnection } from './engine-pool.js';
import type { ClientSide, Counters, ResponseEditor } from './exchange.js';
import type { ResponseHead } from './head.codec.js';
import { FREE_BODY_BYTES, MemoryShare, type MemoryBudget } from './memory-budget.js';
import { BodyScanner, relayBody } from './relay-body.js';
import { withLength } from './with-length.plan.js';

export interface Editing {
  readonly edit: BodyEdit;
  readonly maxBytes: number;
  readonly counters: Counters;
  readonly memory: MemoryBudget;
}

/**
 * Delivers a response with an edited body. A response that is longer than `maxBytes`, or broken, or not
 * changed by the edit is delivered exactly as received.
 */
export function responseEditor(
  client: ClientSide,
  engine: EngineConnection,
  { edit, maxBytes, counters, memory, head }: Editing & { readonly head: ResponseHead },
): ResponseEditor {
  return async ({ raw, framing }) => {
    const scanner = new BodyScanner(framing);
    const share = new MemoryShare(memory, FREE_BODY_BYTES);
    const write = (bytes: Uint8Array): void => {
      counters.toClient += bytes.length;
      client.stream.write(bytes);
    };
    let end;
    try {
      const body = await collectBody(engine.reader, scanner, { maxBytes, memory: share, keepsRaw: true });
      const edited = body.end === 'done' ? await edit(body.content) : undefined;
      client.stream.cork();
      if (edited !== undefined) {
        write(Buffer.from(withLength(head, edited.length), 'latin1'));
        write(edited);
      } else {
        write(raw);
        write(body.raw ?? body.content);
      }
      client.stream.uncork();
      ({ end } = body);
    } finally {
      share.release();
    }
    if (end !== 'too large' && end !== 'no memory') return end;
    return relayBody(engine.reader, client.stream, {
      scanner,
      onBytes: (count) => (counters.toClient += count),
    });
  };
}
