import type { IncomingMessage } from 'node:http';
import type { ListenLocally, Logger } from '../../core/host/index.js';
import { SHELL_PATH, SHELL_UPGRADE } from '../../protocol/shell-messages.js';
import type { ControlApi } from './control-api.js';
import { EventStreams } from './event-streams.js';
import { answerWith } from './http-handler.js';
import { httpOnStreams } from './http-on-streams.js';
import { serveShell, type OpenShell } from './shell-connection.js';

export interface ControlServerOptions {
  /** The host's way to listen: unix sockets, or named pipes. */
  readonly listen: ListenLocally;
  readonly address: string;
  readonly api: ControlApi;
  /** Only here: the dashboard has no shell. */
  readonly openShell: OpenShell;
  readonly logger: Logger;
}

export interface ControlServer {
  /** How many clients are connected now. */
  readonly clients: number;
  /** Recreates the endpoint if it was deleted; see LocalListener. */
  restore(): Promise<boolean>;
  close(): Promise<void>;
}

/** Each command that waits for an operation has one. */
const MAX_STREAMS = 128;

/** Serves the control API to root only. @throws MobyvmError as ListenLocally does */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { api, openShell, logger } = options;
  const streams = new EventStreams({ topics: api.topics, logger, maxClients: MAX_STREAMS });
  const accept = httpOnStreams({
    onRequest: answerWith(api.endpoints, logger),
    onUpgrade: (request, stream, head) => {
      if (!asksForShell(request)) {
        streams.accept(request, stream, head);
        return;
      }
      if (head.length > 0) stream.unshift(head);
      void serveShell(stream, openShell, logger);
    },
  });
  const listener = await options.listen({
    address: options.address,
    access: { kind: 'owner only' },
    onConnection: (stream) => accept(stream),
    logger,
  });
  return {
    get clients() {
      return listener.connections;
    },
    restore: () => listener.restore(),
    close: async () => {
      await streams.close();
      await listener.close();
    },
  };
}

function asksForShell({ method, url, headers }: IncomingMessage): boolean {
  return method === 'POST' && url === SHELL_PATH && headers.upgrade === SHELL_UPGRADE;
}
