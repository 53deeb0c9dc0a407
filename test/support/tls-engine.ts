import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import {
  createAuthority,
  ENGINE_SERVER_NAME,
  issueLeaf,
  tlsDial,
  type CertifiedKey,
  type Dial,
  type TlsCredentials,
} from '../../src/proxy/engine/index.js';

/** The certificates of one machine, as the store makes them. */
export interface TestMachine {
  readonly ca: CertifiedKey;
  readonly server: CertifiedKey;
  readonly client: CertifiedKey;
}

export async function testMachine(
  nowMs = Date.now(),
  machineId: string = crypto.randomUUID(),
): Promise<TestMachine> {
  const ca = await createAuthority({ machineId, nowMs });
  return {
    ca,
    server: await issueLeaf(ca, { role: 'server', nowMs }),
    client: await issueLeaf(ca, { role: 'client', nowMs }),
  };
}

export function credentialsOf({ ca, client }: Pick<TestMachine, 'ca' | 'client'>): TlsCredentials {
  return { ca: ca.certificate, cert: client.certificate, key: client.key };
}

/** For a program of its own: the files that hold them, below a folder, for root alone. */
export async function writeCredentials(
  folder: string,
  credentials: TlsCredentials,
): Promise<Record<keyof TlsCredentials, string>> {
  const files = {
    ca: join(folder, 'client-ca.pem'),
    cert: join(folder, 'client-cert.pem'),
    key: join(folder, 'client-key.pem'),
  };
  for (const name of ['ca', 'cert', 'key'] as const)
    await writeFile(files[name], credentials[name], { mode: 0o600 });
  return files;
}

/** A TLS server on loopback, set up as dockerd with `--tlsverify` is. */
export interface TlsEngine extends AsyncDisposable {
  readonly port: number;
  /** Those that are through the handshake with an accepted certificate, and open. */
  readonly sockets: ReadonlySet<TLSSocket>;
  /** All TCP connections that are open. */
  readonly carriers: ReadonlySet<Socket>;
  /** Why clients were refused. */
  readonly refusals: readonly string[];
  /** How many handshakes were full, and how many resumed. */
  readonly handshakes: { readonly full: number; readonly resumed: number };
  dialAs(credentials: TlsCredentials, servername?: string): Dial;
}

export async function tlsEngine(
  machine: Pick<TestMachine, 'ca' | 'server'>,
  onConnection: (socket: TLSSocket) => void,
  options: TlsOptions & { readonly port?: number } = {},
): Promise<TlsEngine> {
  const sockets = new Set<TLSSocket>();
  const carriers = new Set<Socket>();
  const refusals: string[] = [];
  const handshakes = { full: 0, resumed: 0 };
  const server = createServer({
    ca: machine.ca.certificate,
    cert: machine.server.certificate,
    key: machine.server.key,
    requestCert: true,
    rejectUnauthorized: true,
    allowHalfOpen: true,
    ...options,
  });
  server.on('connection', (socket: Socket) => remember(carriers, socket));
  server.on('tlsClientError', (error) =>
    refusals.push((error as NodeJS.ErrnoException).code ?? error.message),
  );
  server.on('secureConnection', (socket) => {
    remember(sockets, socket);
    handshakes[socket.isSessionReused() ? 'resumed' : 'full'] += 1;
    onConnection(socket);
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    sockets,
    carriers,
    refusals,
    handshakes,
    dialAs: (credentials, servername = ENGINE_SERVER_NAME) =>
      tlsDial({ address: () => ({ host: '127.0.0.1', port }), credentials: () => credentials, servername }),
    async [Symbol.asyncDispose]() {
      for (const socket of carriers) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function remember<S extends Socket>(open: Set<S>, socket: S): void {
  open.add(socket);
  socket.once('close', () => open.delete(socket));
  socket.on('error', () => undefined);
}
