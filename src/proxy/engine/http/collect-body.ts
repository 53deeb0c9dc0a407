import { CodecError } from '../../../core/values/index.js';
import type { BodyEnd, BodyScanner } from './relay-body.js';
import type { Consumer, StreamReader } from './stream-reader.js';

export interface CollectedBody {
  readonly end: Exclude<BodyEnd, 'sink closed'> | 'too large';
  /** The bytes as received, including the framing. */
  readonly raw: readonly Buffer[];
  /** The content without the framing. */
  readonly content: readonly Buffer[];
}

/** Reads a body into memory. Ends with `too large`, and what was read so far, once it exceeds `maxBytes`. */
export function collectBody(
  source: StreamReader,
  scanner: BodyScanner,
  maxBytes: number,
): Promise<CollectedBody> {
  const raw: Buffer[] = [];
  const content: Buffer[] = [];
  if (scanner.isDone) return Promise.resolve({ end: 'done', raw, content });
  return new Promise((resolve) => {
    let size = 0;
    const finish = (end: CollectedBody['end']): void => {
      source.detach(consumer);
      resolve({ end, raw, content });
    };
    const consumer: Consumer = {
      take(chunk) {
        let taken: number;
        try {
          taken = scanner.scan(chunk, (piece) => content.push(piece));
        } catch (error) {
          if (!(error instanceof CodecError)) throw error;
          finish('malformed');
          return chunk.length;
        }
        raw.push(chunk.subarray(0, taken));
        size += taken;
        if (scanner.isDone) finish('done');
        else if (size > maxBytes) finish('too large');
        return taken;
      },
      ended: () => finish(scanner.mayEnd ? 'done' : 'source ended'),
    };
    source.consume(consumer);
  });
}
