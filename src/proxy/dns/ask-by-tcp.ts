import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import type { AskResult } from './ask-result.js';
import type { DnsEndpoint } from './dns-endpoint.js';
import { framed, Framing } from './framing.js';
import { isAnswerTo, withId, type DnsQuery } from './message.codec.js';

/**
 * Asks one upstream over a TCP connection of its own (RFC 7766 §5), until it answers, fails or the signal is aborted.
 * @returns the answer's bytes with the id of `query`
 */
export function askByTcp(endpoint: DnsEndpoint, query: DnsQuery, signal: AbortSignal): Promise<AskResult> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ kind: 'failed', reason: 'aborted' });
    const id = randomInt(0x10000);
    const framing = new Framing();
    const socket = connect({ host: endpoint.address, port: endpoint.port, noDelay: true });
    const finish = (result: AskResult): void => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(result);
    };
    const onAbort = (): void => finish({ kind: 'failed', reason: 'aborted' });
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', (error) => finish({ kind: 'failed', reason: error.message }));
    socket.on('close', () => finish({ kind: 'failed', reason: 'closed the connection' }));
    socket.on('data', (chunk) => {
      for (const message of framing.push(chunk)) {
        if (isAnswerTo(query, id, message)) {
          return finish({ kind: 'answer', bytes: withId(message, query.header.id) });
        }
      }
    });
    socket.write(framed(withId(query.bytes, id)));
  });
}
