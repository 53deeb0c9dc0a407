import { STATUS_CODES } from 'node:http';
import type { Refusal } from './refusal.plan.js';

/**
 * A whole HTTP/1.1 response in the shape of Docker's own errors, `{"message": "…"}`, that says it is the last one on
 * its connection.
 * @param isHead the answer to HEAD has the same header fields and no body (RFC 9110 §9.3.2)
 */
export function refusalResponse(refusal: Refusal, isHead: boolean): Uint8Array {
  const body = Buffer.from(`${JSON.stringify({ message: refusal.message })}\n`);
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Server: mobyvm',
    'Connection: close',
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), ...(isHead ? [] : [body])]);
}
