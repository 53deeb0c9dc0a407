import { headerField, type HeaderField } from './head.codec.js';

/** Returns the head for a body of that many bytes. Its Content-Length replaces the old length or encoding. */
export function withLength<Head extends { readonly fields: readonly HeaderField[] }>(
  head: Head,
  bytes: number,
): Head {
  const length = headerField('Content-Length', String(bytes));
  const fields: HeaderField[] = [];
  let isStated = false;
  for (const field of head.fields) {
    if (field.lower === 'content-length' || field.lower === 'transfer-encoding') {
      if (!isStated) fields.push(length);
      isStated = true;
      // Trailers are lost, and mobyvm has already sent 100 Continue itself.
    } else if (field.lower !== 'trailer' && field.lower !== 'expect') fields.push(field);
  }
  if (!isStated) fields.push(length);
  return { ...head, fields };
}
