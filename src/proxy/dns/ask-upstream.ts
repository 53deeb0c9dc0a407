import { createSocket } from 'node:dgram';
import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { textOf } from '../../core/values/index.js';
import type { Endpoint } from '../endpoint.js';
import type { Cancellation } from './cancellation.js';
import { framed, Framing } from './framing.js';
import { matchAnswer, withId, type DnsMessage, type DnsQuery } from './message.codec.js';

/**
 * The outcome of asking one upstream once. Failures are common here, so they are values rather than errors.
 */
export type AskResult =
  | { readonly kind: 'answer'; readonly answer: DnsMessage }
  /** `aborted` if the caller no longer wants an answer. */
  | { readonly kind: 'failed'; readonly reason: string };

const ABORTED: AskResult = { kind: 'failed', reason: 'aborted' };

/**
 * Asks one upstream over UDP, once, until it answers, fails or is cancelled.
 *
 * Each query has its own socket for as long as it is pending: a random port and id for each query
 * (https://www.rfc-editor.org/rfc/rfc5452#section-9.2), and nothing left open behind a chatty guest. The
 * socket is connected, so the system drops packets from anyone but the upstream and reports a closed port at
 * once. Messages that do not match the query are ignored.
 */
export function askByUdp(
  endpoint: Endpoint,
  query: DnsQuery,
  cancellation: Cancellation,
): Promise<AskResult> {
  return new Promise((resolve) => {
    if (cancellation.isCancelled) return resolve(ABORTED);
    const id = randomInt(0x10000);
    const socket = createSocket(endpoint.address.includes(':') ? 'udp6' : 'udp4');
    let isDone = false;
    const finish = (result: AskResult): void => {
      if (isDone) return;
      isDone = true;
      cancellation.delete(onAbort);
      socket.close();
      resolve(result);
    };
    const onAbort = (): void => finish(ABORTED);
    const fail = (error: unknown): void => finish({ kind: 'failed', reason: textOf(error) });
    cancellation.add(onAbort);
    socket.on('error', fail);
    socket.on('message', (message) => {
      const answer = matchAnswer(query, id, message);
      if (answer !== undefined) finish({ kind: 'answer', answer });
    });
    // Not as the callback of `connect`: Node calls that one after a failure as well, which its types do not
    // say.
    socket.once('connect', () => {
      if (isDone) return;
      socket.send(withId(query.bytes, id), (error) => {
        if (error !== null) fail(error);
      });
    });
    socket.connect(endpoint.port, endpoint.address);
  });
}

/**
 * Asks one upstream over a new TCP connection (https://www.rfc-editor.org/rfc/rfc7766#section-5), until it
 * answers, fails or is cancelled.
 */
export function askByTcp(
  endpoint: Endpoint,
  query: DnsQuery,
  cancellation: Cancellation,
): Promise<AskResult> {
  return new Promise((resolve) => {
    if (cancellation.isCancelled) return resolve(ABORTED);
    const id = randomInt(0x10000);
    const framing = new Framing();
    const socket = connect({ host: endpoint.address, port: endpoint.port, noDelay: true });
    const finish = (result: AskResult): void => {
      cancellation.delete(onAbort);
      socket.destroy();
      resolve(result);
    };
    const onAbort = (): void => finish(ABORTED);
    cancellation.add(onAbort);
    socket.on('error', (error) => finish({ kind: 'failed', reason: error.message }));
    socket.on('close', () => finish({ kind: 'failed', reason: 'closed the connection' }));
    socket.on('data', (chunk) => {
      for (const message of framing.push(chunk)) {
        const answer = matchAnswer(query, id, message);
        if (answer !== undefined) return finish({ kind: 'answer', answer });
      }
    });
    socket.write(framed(withId(query.bytes, id)));
  });
}
