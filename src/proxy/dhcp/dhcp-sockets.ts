/**
 * The sockets of the DHCP server, and why just these.
 *
 * The aim: hear the VM's broadcasts, never answer on another interface, live beside DHCP servers and clients of other
 * interfaces. The usual tool, SO_BINDTODEVICE, is out of reach from plain Node.
 *
 * - Windows delivers broadcasts of an interface to a socket bound to that interface's address: one socket is all.
 * - Linux delivers a datagram for 255.255.255.255 only to sockets bound to that address or to none, but then to *all*
 *   of these, so nobody loses a packet to us. Hence a second socket, which only receives, on 255.255.255.255. It hears
 *   the broadcasts of every interface; what is not from our VM's MAC is dropped unanswered by the plan.
 * - Everything is sent from the socket bound to the server's address. For a broadcast Linux takes the interface that
 *   owns the source address, whatever the default route says (`ip_route_output_key`, measured with two interfaces),
 *   Windows as well. So even a forged message from elsewhere, with our VM's MAC, gets its answer onto the switch only.
 * - SO_REUSEADDR on Linux, because other DHCP servers (dnsmasq, systemd-networkd) hold port 67 on all addresses with the same
 *   flag and their own device. It would also let a second server take our very address, so that is looked up first.
 *   On Windows the flag means taking a port away from its owner: never there.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Ipv4 } from '../../core/values/index.js';
import { bindError, portInUseError, type WantedPort } from '../bind-error.js';
import { boundSockets } from '../port-owner.js';

export const SERVER_PORT = 67;
export const CLIENT_PORT = 68;
const LIMITED_BROADCAST = '255.255.255.255';

export interface DhcpSocketsOptions {
  readonly serverAddress: Ipv4;
  /** Whose rules for broadcasts hold; see the top of this file. */
  readonly host: 'linux' | 'windows';
  readonly signal: AbortSignal;
  onMessage(bytes: Uint8Array): void;
  /** A socket reported an error after it was bound; it goes on. */
  onError(error: Error): void;
}

export interface DhcpSockets {
  /** Sends to port 68 from the server's address. */
  send(bytes: Uint8Array, destination: Ipv4): Promise<void>;
  close(): Promise<void>;
}

/** @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_DHCP_SERVER, MOBYVM_NOT_ROOT */
export async function openDhcpSockets(options: DhcpSocketsOptions): Promise<DhcpSockets> {
  const isLinux = options.host === 'linux';
  if (isLinux) await refuseIfTaken(options.serverAddress);
  const sockets: Socket[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(sockets.splice(0).map(closed));
  };
  try {
    for (const address of isLinux ? [options.serverAddress, LIMITED_BROADCAST] : [options.serverAddress]) {
      options.signal.throwIfAborted();
      sockets.push(await bound(address, isLinux));
    }
  } catch (error) {
    await close();
    throw error;
  }
  for (const socket of sockets) {
    socket.on('message', (bytes) => options.onMessage(new Uint8Array(bytes)));
    socket.on('error', (error) => options.onError(error));
  }
  const [sender] = sockets;
  sender?.setBroadcast(true);
  return {
    send: (bytes, destination) =>
      new Promise((resolve, reject) => {
        sender?.send(bytes, CLIENT_PORT, destination, (error) =>
          error === null ? resolve() : reject(error),
        );
      }),
    close,
  };
}

async function bound(address: string, reuseAddr: boolean): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr });
  try {
    socket.bind({ address, port: SERVER_PORT, exclusive: true });
    await once(socket, 'listening');
    return socket;
  } catch (error) {
    socket.close();
    throw await bindError(wantedPort(address), error);
  }
}

/** Our own address taken, with or without the reuse flag, means a second server on the switch. */
async function refuseIfTaken(address: Ipv4): Promise<void> {
  const taken = (await boundSockets('udp')).some(
    (socket) => socket.port === SERVER_PORT && socket.address === address,
  );
  if (taken) throw await portInUseError(wantedPort(address));
}

function wantedPort(address: string): WantedPort {
  return {
    protocol: 'udp',
    address,
    port: SERVER_PORT,
    who: 'The DHCP server',
    code: 'MOBYVM_DHCP_SERVER',
  };
}

async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.close(resolve);
  });
}
