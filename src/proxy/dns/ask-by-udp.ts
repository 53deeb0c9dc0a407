import { createSocket } from 'node:dgram';
import { randomInt } from 'node:crypto';
import { textOf } from '../../core/values/index.js';
import type { AskResult } from './ask-result.js';
import type { DnsEndpoint } from './dns-endpoint.js';
import { isAnswerTo, withId, type DnsQuery } from './message.codec.js';

/**
 * Asks one upstream over UDP, once, until it answers, fails or the signal is aborted.
 *
 * Each query has a socket of its own that lives as long as the question: a fresh random port and id each time
 * (RFC 5452 §9.2), nothing left open behind a chatty guest. The socket is connected, so the system drops what comes
 * from anybody but the upstream and reports a closed port at once. What does not match the question is passed over.
 * @returns the answer's bytes with the id of `query`
 */
export function askByUdp(endpoint: DnsEndpoint, query: DnsQuery, signal: AbortSignal): Promise<AskResult> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ kind: 'failed', reason: 'aborted' });
    const id = randomInt(0x10000);
    const socket = createSocket(endpoint.address.includes(':') ? 'udp6' : 'udp4');
    let isDone = false;
    const finish = (result: AskResult): void => {
      if (isDone) return;
      isDone = true;
      signal.removeEventListener('abort', onAbort);
      socket.close();
      resolve(result);
    };
    const onAbort = (): void => finish({ kind: 'failed', reason: 'aborted' });
    const fail = (error: unknown): void => finish({ kind: 'failed', reason: textOf(error) });
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', fail);
    socket.on('message', (message) => {
      if (isAnswerTo(query, id, message)) {
        finish({ kind: 'answer', bytes: withId(message, query.header.id) });
      }
    });
    // Not as the callback of `connect`: Node calls that one for a failure too, which its types do not tell.
    socket.once('connect', () => {
      if (isDone) return;
      socket.send(withId(query.bytes, id), (error) => {
        if (error !== null) fail(error);
      });
    });
    socket.connect(endpoint.port, endpoint.address);
  });
}
