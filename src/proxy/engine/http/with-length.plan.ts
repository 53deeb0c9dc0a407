import { FRAMING_FIELDS } from './framing.plan.js';
import { editHead, type RequestHead, type ResponseHead } from './head.codec.js';

/**
 * Returns the head for a body of that many bytes. Its Content-Length replaces the old length or encoding;
 * trailers are lost.
 * @param drop further fields to leave out, in lower case
 */
export function withLength(
  head: RequestHead | ResponseHead,
  bytes: number,
  drop: readonly string[] = [],
): string {
  return editHead(head, {
    drop: [...FRAMING_FIELDS, 'trailer', ...drop],
    add: [`Content-Length: ${bytes}`],
  });
}
