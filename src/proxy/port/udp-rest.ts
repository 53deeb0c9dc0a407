import { createSocket, type RemoteInfo } from 'node:dgram';
import { bindSocket, closeSocket } from '../../core/host/index.js';
import type { PortFacts } from '../port-facts.js';
import type { Forwarder, ForwarderOptions } from './forwarder.js';
import { forwardUdp, type DatagramForwarder } from './udp-forwarder.js';

/** The wildcard address: its socket gets the datagrams that are for none of the others. */
export const REST = '0.0.0.0';
/** More addresses in 127.0.0.0/8 than one port needs. */
const MAX_LOOPBACK = 32;

export interface UdpRestOptions extends Omit<ForwarderOptions, 'address' | 'isShared'> {
  readonly portFacts: Pick<PortFacts, 'udpDestination'>;
}

/**
 * Takes what is sent to the addresses without a socket of their own. Broadcasts, and datagrams to an address
 * that the host got a moment ago, are answered from the address that the system chooses. A client that has
 * connected its socket to 127.0.0.2 takes answers of that address only: it gets a socket there.
 * @throws the system's error when it cannot listen
 */
export async function forwardUdpRest(options: UdpRestOptions): Promise<Forwarder> {
  const forwarders = new Map<string, DatagramForwarder>();
  let isClosed = false;
  const forwarderAt = async (address: string): Promise<DatagramForwarder | undefined> => {
    const present = forwarders.get(address);
    if (present !== undefined || forwarders.size > MAX_LOOPBACK) return present;
    const opened = await forwardUdp({ ...options, address, isShared: true }).catch(() => undefined);
    if (opened === undefined) return forwarders.get(address);
    // Two clients may have asked for it at the same moment.
    if (isClosed || forwarders.has(address)) opened.close();
    else forwarders.set(address, opened);
    return forwarders.get(address);
  };
  const divert = async (datagram: Uint8Array, from: RemoteInfo): Promise<boolean> => {
    if (!isLoopback(from.address)) return false;
    const address = await options.portFacts.udpDestination?.(from, options.port);
    if (address === undefined || !isLoopback(address)) return false;
    const forwarder = await forwarderAt(address);
    forwarder?.take(datagram, from);
    return forwarder !== undefined;
  };
  const rest = await forwardUdp({ ...options, address: REST, isShared: true, divert });
  forwarders.set(REST, rest);
  const sum = (part: (forwarder: Forwarder) => number): number =>
    [...forwarders.values()].reduce((total, forwarder) => total + part(forwarder), 0);
  return {
    get isListening() {
      return rest.isListening;
    },
    get connections() {
      return sum(({ connections }) => connections);
    },
    get bytesIn() {
      return sum(({ bytesIn }) => bytesIn);
    },
    get bytesOut() {
      return sum(({ bytesOut }) => bytesOut);
    },
    reset: () => {
      for (const forwarder of forwarders.values()) forwarder.reset();
    },
    close: () => {
      isClosed = true;
      for (const forwarder of forwarders.values()) forwarder.close();
    },
  };
}

/**
 * Sockets that share a port would also share it with another program's that allow it: nobody else may have it
 * at any address.
 * @throws the system's error if the port is in use
 */
export async function assertUdpPortIsFree(port: number): Promise<void> {
  const socket = createSocket('udp4');
  await bindSocket(socket, { address: REST, port, exclusive: true });
  await closeSocket(socket);
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.');
}
