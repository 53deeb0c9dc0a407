import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ENGINE_SERVER_NAME } from '../../src/proxy/engine/index.js';
import { compiledSource } from '../../test/support/compiled.js';
import { RunningProgram } from '../../test/support/netns.js';
import { openTls, openUnix, type Open } from './load.js';
import { credentialsOf, writeCredentials, type TestMachine } from '../../test/support/tls-engine.js';

const ROOT = resolve(import.meta.dirname, '../..');
/** See bench/README.md. */
const HAPROXY = join(ROOT, 'build/tools/haproxy');

export interface Peer {
  readonly name: 'straight' | 'mobyvm' | 'haproxy' | 'socat';
  readonly open: Open;
  readonly program?: RunningProgram;
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly machine: TestMachine;
}

export async function startBackend(machine: TestMachine): Promise<{ program: RunningProgram; port: number }> {
  const { ca, server } = machine;
  const options = JSON.stringify({ ca: ca.certificate, cert: server.certificate, key: server.key });
  const program = new RunningProgram(process.execPath, [join(import.meta.dirname, 'backend.mjs'), options]);
  const line = await program.line(/^port \d+$/);
  return { program, port: Number(line.split(' ')[1]) };
}

/** No proxy: the client itself speaks TLS with the engine. The difference to the others is their cost. */
export function straight({ port, machine }: Place): Peer {
  const { ca, client } = machine;
  const credentials = { ca: ca.certificate, cert: client.certificate, key: client.key };
  const server = { host: '127.0.0.1', port, servername: ENGINE_SERVER_NAME };
  return { name: 'straight', open: openTls({ ...credentials, ...server, minVersion: 'TLSv1.3' }) };
}

/** mobyvm's endpoint in a separate process, as the daemon runs it. */
export async function startMobyvm(
  { folder, port, machine }: Place,
  nodeArgs: readonly string[] = [],
): Promise<Peer> {
  const compiled = await compiledSource();
  const socket = join(folder, 'mobyvm.sock');
  const options = {
    path: socket,
    address: { host: '127.0.0.1', port },
    credentials: await writeCredentials(folder, credentialsOf(machine)),
    servername: ENGINE_SERVER_NAME,
    sharedDrives: ['C'],
  };
  const script = join(ROOT, 'test/fixtures/programs/engine-endpoint.mjs');
  const program = new RunningProgram(process.execPath, [
    ...nodeArgs,
    script,
    compiled,
    JSON.stringify(options),
  ]);
  await program.line(/"event":"ready"/);
  return { name: 'mobyvm', open: openUnix(socket), program };
}

/** HAProxy doing the same job: unix socket in, HTTP, mutual TLS with keep-alive out. */
export async function startHaproxy({ folder, port, machine }: Place): Promise<Peer> {
  const socket = join(folder, 'haproxy.sock');
  await writeCertificates(folder, machine);
  const config = join(folder, 'haproxy.cfg');
  await writeFile(
    config,
    `global
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 24h
  option http-keep-alive
  http-reuse always
frontend engine
  bind unix@${socket}
  default_backend vm
backend vm
  server vm 127.0.0.1:${port} ssl verify required ca-file ${folder}/ca.pem crt ${folder}/client.pem sni str(${ENGINE_SERVER_NAME}) verifyhost ${ENGINE_SERVER_NAME} ssl-min-ver TLSv1.3 alpn http/1.1
`,
  );
  const program = new RunningProgram(join(HAPROXY, 'usr/sbin/haproxy'), ['-db', '-f', config], {
    LD_LIBRARY_PATH: join(HAPROXY, 'usr/lib/x86_64-linux-gnu'),
  });
  return { name: 'haproxy', open: openUnix(socket), program };
}

/** One process per connection, without HTTP. */
export async function startSocat({ folder, port, machine }: Place): Promise<Peer> {
  const socket = join(folder, 'socat.sock');
  await writeCertificates(folder, machine);
  const engine = `OPENSSL:127.0.0.1:${port},cafile=${folder}/ca.pem,cert=${folder}/client.pem,commonname=${ENGINE_SERVER_NAME},snihost=${ENGINE_SERVER_NAME}`;
  const program = new RunningProgram('socat', [
    '-b',
    '65536',
    `UNIX-LISTEN:${socket},fork,backlog=256`,
    engine,
  ]);
  return { name: 'socat', open: openUnix(socket), program };
}

export async function hasHaproxy(): Promise<boolean> {
  return readFile(join(HAPROXY, 'complete')).then(
    () => true,
    () => false,
  );
}

async function writeCertificates(folder: string, { ca, client }: TestMachine): Promise<void> {
  await writeFile(join(folder, 'ca.pem'), ca.certificate);
  await writeFile(join(folder, 'client.pem'), `${client.certificate}${client.key}`);
  await chmod(join(folder, 'client.pem'), 0o600);
}
