import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { Dial } from './availability.js';
import { dialTcp, type TcpAddress } from './dial-tcp.js';
import { carriedBy, failWritesAfterReading, reset, STREAM_BUFFER_BYTES } from './duplex.js';
import { tlsError } from './tls/tls-error.js';

/** PEM texts. `key` is a secret. */
export interface TlsCredentials {
  /** The only trusted authority. */
  readonly ca: string;
  /** The client's certificate. */
  readonly cert: string;
  readonly key: string;
}

export interface TlsDialOptions {
  /** Called for each dial, since the VM's address is known only once it runs. May throw what a Dial may. */
  readonly address: () => TcpAddress;
  /** Called for each dial, so that renewed credentials are used from the next connection on. */
  readonly credentials: () => TlsCredentials;
  /** The name that the engine's certificate must have, regardless of the address. */
  readonly servername: string;
}

/**
 * Dials the engine by TLS 1.3 with certificates on both sides. Later dials resume the last session: no
 * certificate is sent or verified again, but the keys are new (RFC 8446 §2.2,
 * https://www.rfc-editor.org/rfc/rfc8446#section-2.2).
 * @throws MobyvmError MOBYVM_ENGINE_TLS if either side rejects a certificate, besides what a Dial throws
 */
export function tlsDial(options: TlsDialOptions): Dial {
  let identity: Identity | undefined;
  return (signal) => {
    const credentials = options.credentials();
    if (identity?.isMadeOf(credentials) !== true) identity = new Identity(credentials);
    return dialTls(identity, { address: options.address(), servername: options.servername, signal });
  };
}

/** State kept between dials with the same credentials. */
class Identity {
  readonly #credentials: TlsCredentials;
  #context: SecureContext | undefined;
  /**
   * The newest ticket. One is enough: the engine accepts it repeatedly, and each connection brings a new one.
   */
  session: Buffer | undefined;
  /** False once the engine has sent no ticket: waiting for one is useless then. */
  isTicketExpected = true;

  constructor(credentials: TlsCredentials) {
    this.#credentials = credentials;
  }

  isMadeOf({ ca, cert, key }: TlsCredentials): boolean {
    const own = this.#credentials;
    return own.ca === ca && own.cert === cert && own.key === key;
  }

  /** @throws OpenSSL's error for damaged PEM; its text contains nothing of the key */
  get context(): SecureContext {
    return (this.#context ??= createSecureContext({ ...this.#credentials, minVersion: 'TLSv1.3' }));
  }

  remember(session: Buffer): void {
    this.session = session;
    this.isTicketExpected = true;
  }

  /** The engine may be a different one now, or no longer accept us. */
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
  // The TLS socket reports the error too; without a listener here it would be uncaught.
  tcp.on('error', () => undefined);
  try {
    const { context, session } = identity;
    const options = {
      // Our own TCP socket: it can be reset, and TLSSocket inherits its half-open use.
      socket: tcp,
      secureContext: context,
      servername,
      // Explicit, because NODE_TLS_REJECT_UNAUTHORIZED=0 would turn it off otherwise.
      rejectUnauthorized: true,
      highWaterMark: STREAM_BUFFER_BYTES,
      ...(session === undefined ? {} : { session }),
    };
    const socket = connect(options);
    carriedBy(socket, tcp);
    failWritesAfterReading(socket);
    socket.on('session', (ticket) => identity.remember(ticket));
    socket.on('error', (error) => {
      if (tlsError(error, '') !== undefined) identity.forget();
    });
    await handshake(socket, identity, signal);
    return socket;
  } catch (error) {
    reset(tcp);
    signal.throwIfAborted();
    throw tlsError(error, ` at ${address.host}:${address.port}`) ?? handshakeFailedError(address, error);
  }
}

/**
 * How long the engine may take after the handshake to reject our certificate, or to accept it by sending a
 * ticket.
 */
const REFUSAL_MS = 1_000;

/**
 * Resolves when both sides have accepted each other. In TLS 1.3 the client finishes before the server has
 * seen the client's certificate (RFC 8446 §2, Figure 1, https://www.rfc-editor.org/rfc/rfc8446#section-2);
 * only the ticket that follows shows that it was accepted. A full handshake waits for the ticket: a later
 * rejection would hit a request that is already on its way, and could be lost in a reset. A resumed handshake
 * does not wait: its ticket is the proof.
 *
 * The events are emitted while OpenSSL is reading. A caller that ended the stream right then made OpenSSL
 * shut down in the middle of its own read, and everything after that failed with `decryption failed or bad
 * record mac` (observed with Node.js 20). So the promise settles in the next turn of the event loop.
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
    const onClose = (): void => onError(closedEarlyError());
    const onAbort = (): void => onError(closedEarlyError());
    socket.on('secureConnect', onSecure).on('session', onSession).on('error', onError);
    socket.on('end', onClose).on('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

function closedEarlyError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    'The connection was closed during the TLS handshake.',
    '',
  );
}

function handshakeFailedError({ host, port }: TcpAddress, cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    `The TLS handshake with the Docker Engine at ${host}:${port} failed: ${textOf(cause)}.`,
    'See `mobyvm logs`, or restart the VM with `mobyvm restart`.',
    { cause, details: { host, port } },
  );
}
