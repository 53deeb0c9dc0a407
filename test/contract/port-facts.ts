import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { PortAddress, PortFacts } from '../../src/proxy/index.js';
import { bindSocket, closeSocket, startListening, stopListening } from '../../src/core/host/index.js';

const LOOPBACK = '127.0.0.1';
/** TEST-NET-1, an address that no host has: https://www.rfc-editor.org/rfc/rfc5737 */
const FOREIGN = '192.0.2.99';

/** What every implementation of {@link PortFacts} does, on the host that the tests run on. */
export function describePortFacts(platform: string, facts: PortFacts): void {
  describe(`the port facts of ${platform}`, () => {
    test('list a listening TCP socket, and its owner', async () => {
      await using held = await listening(LOOPBACK);
      const { port } = held;
      expect(await facts.boundSockets('tcp')).toContainEqual(
        expect.objectContaining({ address: LOOPBACK, port }),
      );
      expect((await facts.owner('tcp', port, LOOPBACK))?.pid).toBe(process.pid);
      expect((await facts.owner('tcp', port))?.name).not.toBe('');
    });

    test('list a bound UDP socket, and its owner', async () => {
      await using held = await bound(LOOPBACK);
      const { port } = held;
      expect(await facts.boundSockets('udp')).toContainEqual(
        expect.objectContaining({ address: LOOPBACK, port }),
      );
      expect((await facts.owner('udp', port, LOOPBACK))?.pid).toBe(process.pid);
    });

    test('show the wildcard address as *, whose owner has the port of every address', async () => {
      await using held = await bound('0.0.0.0');
      const { port } = held;
      expect(await facts.boundSockets('udp')).toContainEqual(expect.objectContaining({ address: '*', port }));
      expect((await facts.owner('udp', port, LOOPBACK))?.pid).toBe(process.pid);
    });

    test('report no owner for a free port, or for the port on another address', async () => {
      let free = 0;
      {
        await using held = await listening(LOOPBACK);
        free = held.port;
        expect(await facts.owner('tcp', free, FOREIGN)).toBeUndefined();
      }
      expect(await facts.owner('tcp', free)).toBeUndefined();
    });

    test('do not list accepted connections', async () => {
      await using held = await listening(LOOPBACK);
      const client = connect(held.port, LOOPBACK);
      try {
        await once(client, 'connect');
        const sockets = (await facts.boundSockets('tcp')).filter(({ port }) => port === held.port);
        expect(sockets).toHaveLength(1);
      } finally {
        client.destroy();
      }
    });

    test.each(['tcp', 'udp'] as const)('explain a %s port in use, with its owner', async (protocol) => {
      await using held = await (protocol === 'tcp' ? listening(LOOPBACK) : bound(LOOPBACK));
      const wanted = { protocol, address: LOOPBACK, port: held.port };
      const failure = await facts.bindFailure(wanted, await bindErrorOf(wanted));
      expect(failure).toMatchObject({ kind: 'in-use', owner: { pid: process.pid } });
    });

    test.each(['tcp', 'udp'] as const)(
      'explain a %s bind to an address that the host does not have',
      async (protocol) => {
        const wanted = { protocol, address: FOREIGN, port: 0 };
        expect(await facts.bindFailure(wanted, await bindErrorOf(wanted))).toEqual({ kind: 'no-address' });
      },
    );

    test('do not guess about other errors', async () => {
      const wanted = { protocol: 'tcp', address: LOOPBACK, port: 1 } as const;
      expect(await facts.bindFailure(wanted, new TypeError('x'))).toEqual({ kind: 'other' });
      expect(await facts.bindFailure(wanted, undefined)).toEqual({ kind: 'other' });
    });

    test('list the addresses of the host in a form that can be bound', async () => {
      const addresses = facts.hostAddresses();
      expect(addresses).toContain(LOOPBACK);
      for (const address of addresses) {
        await using held = await bound(address);
        expect(held.port, address).toBeGreaterThan(0);
      }
    });
  });
}

interface Held extends AsyncDisposable {
  readonly port: number;
}

async function listening(address: string): Promise<Held> {
  const server = await listeningServer({ protocol: 'tcp', address, port: 0 });
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: () => stopListening(server) };
}

async function bound(address: string): Promise<Held> {
  const socket = await boundSocket({ protocol: 'udp', address, port: 0 });
  return { port: socket.address().port, [Symbol.asyncDispose]: () => closeSocket(socket) };
}

async function listeningServer({ address, port }: PortAddress): Promise<Server> {
  const server = createServer();
  await startListening(server, { host: address, port, exclusive: true });
  return server;
}

async function boundSocket({ address, port }: PortAddress): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await bindSocket(socket, { address, port, exclusive: true });
  return socket;
}

/** The error of a bind that must fail. */
async function bindErrorOf(wanted: PortAddress): Promise<unknown> {
  try {
    if (wanted.protocol === 'tcp') (await listeningServer(wanted)).close();
    else (await boundSocket(wanted)).close();
  } catch (error) {
    return error;
  }
  return expect.unreachable(`${wanted.address} can be bound`);
}
