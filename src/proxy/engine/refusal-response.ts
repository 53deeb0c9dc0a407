import { STATUS_CODES } from 'node:http';
import type { Refusal } from './refusal.plan.js';

/**
 * Encodes a refusal as an HTTP/1.1 response that closes the connection, in the form of Docker's own errors:
 * `{"message": "…"}` (https://docs.docker.com/reference/api/engine/, "Errors").
 * @param isHead a response to HEAD has the same fields and no body: RFC 9110 §9.3.2,
 *   https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2
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
