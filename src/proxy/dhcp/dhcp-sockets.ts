/**
 * The sockets of the DHCP server.
 *
 * The server must receive the VM's broadcasts, never answer on another interface, and coexist with DHCP
 * servers and clients of other interfaces. The usual tool, SO_BINDTODEVICE, is not available in plain Node.
 *
 * - Windows delivers an interface's broadcasts to a socket bound to that interface's address: one socket is
 *   enough.
 * - Linux delivers a datagram for 255.255.255.255 only to sockets bound to that address or to the wildcard,
 *   but to *all* of them, so nobody loses a packet to us. Hence a second, receive-only socket on
 *   255.255.255.255. It receives the broadcasts of every interface; the plan ignores those that are not from
 *   our VM's MAC address.
 * - All replies are sent from the socket bound to the server's address. For a broadcast, Linux picks the
 *   interface that owns the source address, whatever the default route is (`ip_route_output_key`, verified
 *   with two interfaces), and so does Windows. Even a forged message from elsewhere, with our VM's MAC
 *   address, is answered on the switch only.
 * - SO_REUSEADDR on Linux, because other DHCP servers (dnsmasq, systemd-networkd) bind port 67 of the
 *   wildcard address with it, each for its own device. It would also let a second server bind our own
 *   address, so that is checked first. Never on Windows, where the option lets a program take over a port
 *   that is in use:
 *   https://learn.microsoft.com/windows/win32/winsock/using-so-reuseaddr-and-so-exclusiveaddruse
 */
import { createSocket, type Socket } from 'node:dgram';
import { bindSocket, closeSocket } from '../../core/host/index.js';
import type { Ipv4 } from '../../core/values/index.js';
import { bindError, portInUseError, type WantedPort } from '../bind-error.js';
import type { PortFacts } from '../port-facts.js';

export const SERVER_PORT = 67;
export const CLIENT_PORT = 68;
const LIMITED_BROADCAST = '255.255.255.255';

export interface DhcpSocketsOptions {
  readonly serverAddress: Ipv4;
  /** Whose rules for broadcasts apply; see the top of this file. */
  readonly host: 'linux' | 'windows';
  readonly portFacts: PortFacts;
  readonly signal: AbortSignal;
  onMessage(bytes: Uint8Array): void;
  /** A socket reported an error after it was bound; it stays open. */
  onError(error: Error): void;
}

export interface DhcpSockets {
  /** Sends to port 68 from the server's address. */
  send(bytes: Uint8Array, destination: Ipv4): Promise<void>;
  close(): Promise<void>;
}

/** @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_DHCP_SERVER, MOBYVM_NOT_ROOT */
export async function openDhcpSockets(options: DhcpSocketsOptions): Promise<DhcpSockets> {
  const { serverAddress, portFacts } = options;
  const isLinux = options.host === 'linux';
  if (isLinux) await assertNotInUse(serverAddress, portFacts);
  const sockets: Socket[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(sockets.splice(0).map(closeSocket));
  };
  try {
    for (const address of isLinux ? [serverAddress, LIMITED_BROADCAST] : [serverAddress]) {
      options.signal.throwIfAborted();
      sockets.push(await boundSocket(address, isLinux, portFacts));
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

async function boundSocket(address: string, reuseAddr: boolean, portFacts: PortFacts): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr });
  try {
    await bindSocket(socket, { address, port: SERVER_PORT, exclusive: true });
    return socket;
  } catch (error) {
    throw await bindError(wantedPort(address), error, portFacts);
  }
}

/** A socket on our own address, with or without SO_REUSEADDR, means a second server on the switch. */
async function assertNotInUse(address: Ipv4, portFacts: PortFacts): Promise<void> {
  const isInUse = (await portFacts.boundSockets('udp')).some(
    (socket) => socket.port === SERVER_PORT && socket.address === address,
  );
  if (isInUse) throw portInUseError(wantedPort(address), await portFacts.owner('udp', SERVER_PORT, address));
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
