import { headerField, type HeaderField } from './head.codec.js';

/** The head for a body of that many bytes: its length stands where the old length or the encoding stood. */
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
      // Trailers do not survive, and mobyvm has asked for the body itself.
    } else if (field.lower !== 'trailer' && field.lower !== 'expect') fields.push(field);
  }
  if (!isStated) fields.push(length);
  return { ...head, fields };
}
