import { once } from 'node:events';
import { connect } from 'node:net';
import type { Dial } from '../../src/proxy/engine/index.js';
import { dialTcp, type TcpAddress } from '../../src/proxy/engine/dial-tcp.js';

/** Dials an engine by plain TCP, which only tests do. */
export function tcpDial(address: TcpAddress): Dial {
  return (signal) => dialTcp(address, signal);
}

/** Dials an engine at its unix socket. */
export function unixDial(path: string): Dial {
  return async (signal) => {
    const socket = connect({ path, allowHalfOpen: true });
    await once(socket, 'connect', { signal });
    return socket;
  };
}
