import { createServer, type Socket } from 'node:net';
import { z } from 'zod';
import { isSameSecret, startListening, stopListening, type Logger } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import { LINK_PURPOSES, type GuestLink, type LinkPurpose } from './guest-link.js';
import { SocketLink } from './socket-link.js';

/** The port of the host's address on the VM's network, as in guest/share-link. */
export const GUEST_LINK_PORT = 2373;

export interface LinkServerOptions {
  /** The host's address on the VM's network. */
  readonly address: string;
  readonly port: number;
  /** The secret that the guest's first line must carry; while there is none, all are refused. */
  readonly token: () => string | undefined;
  /** Called with whether a guest's first line carried it. */
  readonly onToken?: (isRight: boolean) => void;
  /** A link with the token was opened. An earlier one of the same purpose is closed first. */
  readonly onLink: (link: GuestLink) => void;
  readonly logger: Logger;
}

export interface LinkServer {
  readonly port: number;
  /** The guest that had the links is gone. */
  dropAll(): void;
  close(): Promise<void>;
}

const GREETING_MS = 5_000;
/** Connections that have not shown the token yet; beyond this the oldest is closed. */
const MAX_STRANGERS = 16;
/** A guest that vanishes is noticed about ten seconds after this. */
const KEEP_ALIVE_AFTER_MS = 15_000;

/** The first line of a link: `{"op":"share-health","token":"…"}`. */
const greeting = z.strictObject({ op: z.enum(LINK_PURPOSES), token: z.string().min(1).max(128) });

/**
 * Accepts the guest's links at the host's address on the VM's network.
 * @throws MobyvmError MOBYVM_SHARE_SERVER if the port cannot be had
 */
export async function startLinkServer(options: LinkServerOptions): Promise<LinkServer> {
  const { address, port, logger } = options;
  const strangers = new Set<SocketLink>();
  const links = new Map<LinkPurpose, SocketLink>();
  const accept = (socket: Socket): void => {
    const [oldest] = strangers;
    if (strangers.size >= MAX_STRANGERS) oldest?.close();
    const link = new SocketLink(socket);
    strangers.add(link);
    const timer = setTimeout(() => link.close(), GREETING_MS);
    link.onClose(() => {
      clearTimeout(timer);
      strangers.delete(link);
      if (link.isGreeted && links.get(link.purpose) === link) links.delete(link.purpose);
    });
    link.onGreeting((line) => {
      clearTimeout(timer);
      const purpose = purposeOf(line, options.token());
      options.onToken?.(purpose !== undefined);
      if (purpose === undefined) {
        logger.warn('share.link.refused', { reason: "no greeting with this machine's token" });
        return link.close();
      }
      strangers.delete(link);
      links.get(purpose)?.close();
      links.set(purpose, link);
      link.greeted(purpose);
      logger.debug('share.link.opened', { purpose });
      options.onLink(link);
    });
  };
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS },
    accept,
  );
  await startListening(server, { host: address, port, exclusive: true }).catch((error: unknown) => {
    throw serverError(address, port, error);
  });
  server.on('error', (error) => logger.warn('share.link.unaccepted', { reason: textOf(error) }));
  const dropAll = (): void => {
    for (const link of [...links.values(), ...strangers]) link.close();
  };
  return {
    get port() {
      const bound = server.address();
      return typeof bound === 'object' && bound !== null ? bound.port : port;
    },
    dropAll,
    close: async () => {
      dropAll();
      await stopListening(server);
    },
  };
}

function purposeOf(line: string, token: string | undefined): LinkPurpose | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const read = greeting.safeParse(value);
  return read.success && isSameSecret(read.data.token, token) ? read.data.op : undefined;
}

function serverError(address: string, port: number, cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SHARE_SERVER',
    `The server for shares cannot listen on ${address}:${port}: ${textOf(cause)}`,
    `Stop what uses TCP port ${port} of that address, then run \`mobyvm up\`.`,
    { cause },
  );
}
