import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { bindError } from '../bind-error.js';
import { fitToUdp } from './answer.plan.js';
import type { DnsQuery } from './message.codec.js';

export interface UdpListenerOptions {
  readonly address: string;
  readonly port: number;
  isClient(address: string): boolean;
  onQuery(bytes: Uint8Array, reply: (answer: Uint8Array, query: DnsQuery | undefined) => void): void;
  /** A socket reported an error after it was bound; it goes on. */
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
    socket.bind({ address, port, exclusive: true });
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    const wanted = { protocol: 'udp', address, port, who: 'The DNS server' } as const;
    throw await bindError({ ...wanted, code: 'MOBYVM_DNS_SERVER' }, error);
  }
  let isOpen = true;
  socket.on('error', (error) => options.onError(error));
  socket.on('message', (message, client) => {
    // Nothing can be sent to port 0, and nobody asks from there.
    if (client.port === 0 || !options.isClient(client.address)) return;
    options.onQuery(new Uint8Array(message), (answer, query) => {
      if (!isOpen) return;
      const bytes = query === undefined ? answer : fitToUdp(answer, query);
      socket.send(bytes, client.port, client.address, (error) => {
        if (error !== null) options.onError(error);
      });
    });
  });
  return {
    close: async () => {
      if (!isOpen) return;
      isOpen = false;
      await new Promise<void>((resolve) => {
        socket.close(resolve);
      });
    },
  };
}
