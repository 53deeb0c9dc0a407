import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { Dial } from './availability.js';
import { dialTcp, type TcpAddress } from './dial-tcp.js';
import { carriedBy, reset, STREAM_BUFFER_BYTES } from './duplex.js';
import { tlsProblem } from './tls/tls-problem.js';

/** PEM texts; `key` is a secret. */
export interface TlsCredentials {
  /** The only authority that is trusted. */
  readonly ca: string;
  /** The client's own certificate. */
  readonly cert: string;
  readonly key: string;
}

export interface TlsDialOptions {
  /** Asked at each dial, since the VM's address is known only once it runs. May throw what a Dial may. */
  readonly address: () => TcpAddress;
  /** Asked at each dial, so that renewed ones count from the next connection on. */
  readonly credentials: () => TlsCredentials;
  /** The name that the engine's certificate must have, whatever the address. */
  readonly servername: string;
}

/**
 * Dials the engine by TLS 1.3 with certificates on both sides. Later dials resume the last session (RFC 8446 §2.2):
 * no certificate is sent or verified again, while the keys are still fresh ones.
 * @throws MobyvmError MOBYVM_ENGINE_TLS when a certificate is not accepted, on either side, besides what a Dial throws
 */
export function tlsDial(options: TlsDialOptions): Dial {
  let identity: Identity | undefined;
  return (signal) => {
    const credentials = options.credentials();
    if (identity?.isMadeOf(credentials) !== true) identity = new Identity(credentials);
    return dialTls(identity, { address: options.address(), servername: options.servername, signal });
  };
}

/** What is kept between dials with the same credentials. */
class Identity {
  readonly #credentials: TlsCredentials;
  #context: SecureContext | undefined;
  /** The newest ticket. One is enough: an engine takes it as often as it comes, and each connection brings another. */
  session: Buffer | undefined;
  /** False when the engine was seen to give no tickets: then there is no use in waiting for one. */
  isTicketExpected = true;

  constructor(credentials: TlsCredentials) {
    this.#credentials = credentials;
  }

  isMadeOf({ ca, cert, key }: TlsCredentials): boolean {
    const own = this.#credentials;
    return own.ca === ca && own.cert === cert && own.key === key;
  }

  /** @throws what OpenSSL says of damaged PEM; its texts hold nothing of the key */
  get context(): SecureContext {
    return (this.#context ??= createSecureContext({ ...this.#credentials, minVersion: 'TLSv1.3' }));
  }

  remember(session: Buffer): void {
    this.session = session;
    this.isTicketExpected = true;
  }

  /** The engine may be another one now, or we may have become unacceptable to it. */
  forget(): void {
    this.session = undefined;
    this.isTicketExpected = true;
  }
}

interface Call {
  readonly address: TcpAddress;
  readonly servername: string;
  readonly signal: AbortSignal;
}

async function dialTls(identity: Identity, { address, servername, signal }: Call): Promise<TLSSocket> {
  const tcp = await dialTcp(address, signal);
  // What befalls it, the stream above it tells; without a listener it would end the process.
  tcp.on('error', () => undefined);
  try {
    const { context, session } = identity;
    const options = {
      // Ours and not TLSSocket's own: this one can be reset, and its half-open use is inherited.
      socket: tcp,
      secureContext: context,
      servername,
      // Said, because else an environment variable could turn it off.
      rejectUnauthorized: true,
      highWaterMark: STREAM_BUFFER_BYTES,
      ...(session === undefined ? {} : { session }),
    };
    const socket = connect(options);
    carriedBy(socket, tcp);
    socket.on('session', (ticket) => identity.remember(ticket));
    socket.on('error', (error) => {
      if (tlsProblem(error, '') !== undefined) identity.forget();
    });
    await handshake(socket, identity, signal);
    return socket;
  } catch (error) {
    reset(tcp);
    signal.throwIfAborted();
    throw tlsProblem(error, ` at ${address.host}:${address.port}`) ?? failed(address, error);
  }
}

/** How long an engine may take after the handshake to refuse our certificate, or to show by a ticket that it does not. */
const REFUSAL_MS = 1_000;

/**
 * Resolves when both sides have accepted each other. In TLS 1.3 the client is through before the server has seen the
 * client's certificate (RFC 8446 §4.4.2.4); only the ticket that follows shows that it was good. A full handshake waits
 * for that: a refusal that came later would meet a request under way, and might get lost in a reset. A resumed one need
 * not: its ticket is the proof.
 *
 * The events come out of the middle of OpenSSL's reading, and so would what is awaited here: a caller that then ended
 * the stream made OpenSSL shut down in the middle of its own reading, and all that followed failed with
 * `decryption failed or bad record mac` (Node.js 20). Hence the turn of the event loop before anything is told.
 */
function handshake(socket: TLSSocket, identity: Identity, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const settle = (settled: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('secureConnect', onSecure).off('session', onSession).off('error', onError);
      socket.off('end', onClose).off('close', onClose);
      setImmediate(settled);
    };
    const onSession = (): void => settle(resolve);
    const onSecure = (): void => {
      if (socket.isSessionReused() || !identity.isTicketExpected) settle(resolve);
      else timer = setTimeout(onNoTicket, REFUSAL_MS);
    };
    const onNoTicket = (): void => {
      identity.isTicketExpected = false;
      settle(resolve);
    };
    const onError = (error: Error): void => settle(() => reject(error));
    const onClose = (): void => onError(closedEarly());
    const onAbort = (): void => onError(closedEarly());
    socket.on('secureConnect', onSecure).on('session', onSession).on('error', onError);
    socket.on('end', onClose).on('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

function closedEarly(): MobyvmError {
  return new MobyvmError('MOBYVM_ENGINE_UNREACHABLE', 'The connection was closed before it was secure.', '');
}

function failed({ host, port }: TcpAddress, cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    `The Docker Engine at ${host}:${port} does not complete the TLS handshake (${textOf(cause)}).`,
    'Look into `mobyvm logs`; `mobyvm restart` starts the VM anew.',
    { cause, details: { host, port } },
  );
}
