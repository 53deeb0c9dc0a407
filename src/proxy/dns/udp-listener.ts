import { createSocket } from 'node:dgram';
import { bindSocket, closeSocket } from '../../core/host/index.js';
import { bindError } from '../bind-error.js';
import type { PortFacts } from '../port-facts.js';
import { fitToUdp } from './answer.plan.js';
import type { DnsMessage, DnsQuery } from './message.codec.js';
import type { QuerySource } from './source-limits.js';

/** Sends an answer. `query` is undefined if the client's message could not be read. */
export type Reply = (answer: DnsMessage, query: DnsQuery | undefined) => void;

export interface ListenerOptions {
  readonly address: string;
  readonly port: number;
  readonly portFacts: PortFacts;
  isClient(address: string): boolean;
  onQuery(bytes: Uint8Array, source: QuerySource, reply: Reply): void;
}

export interface UdpListenerOptions extends ListenerOptions {
  /** The socket reported an error after it was bound; it stays open. */
  onError(error: Error): void;
}

export interface UdpListener {
  close(): Promise<void>;
}

/** @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_DNS_SERVER, MOBYVM_NOT_ROOT */
export async function listenUdp(options: UdpListenerOptions): Promise<UdpListener> {
  const { address, port } = options;
  const socket = createSocket('udp4');
  try {
    await bindSocket(socket, { address, port, exclusive: true });
  } catch (error) {
    const wanted = { protocol: 'udp', address, port, who: 'The DNS server' } as const;
    throw await bindError({ ...wanted, code: 'MOBYVM_DNS_SERVER' }, error, options.portFacts);
  }
  let isOpen = true;
  socket.on('error', (error) => options.onError(error));
  socket.on('message', (message, client) => {
    // Port 0 cannot be answered, and no real client uses it.
    if (client.port === 0 || !options.isClient(client.address)) return;
    const source = { address: client.address, port: client.port };
    options.onQuery(new Uint8Array(message), source, (answer, query) => {
      if (!isOpen) return;
      const bytes = query === undefined ? answer.bytes : fitToUdp(answer, query);
      socket.send(bytes, client.port, client.address, (error) => {
        if (error !== null) options.onError(error);
      });
    });
  });
  return {
    close: async () => {
      if (!isOpen) return;
      isOpen = false;
      await closeSocket(socket);
    },
  };
}
