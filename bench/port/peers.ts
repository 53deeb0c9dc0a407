import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NetworkNamespace } from '../../test/support/netns.js';
import type { RunningProgram } from '../../test/support/netns-program.js';

export const ADDRESS = '192.0.2.1';
export const TARGET = '10.0.75.2';

export interface Peer {
  readonly name: string;
  /** More would need one process or one stack each. */
  readonly maxIdle: number;
  start(host: NetworkNamespace, ports: readonly number[]): Promise<readonly RunningProgram[]>;
}

/** @param programs the folder filled by get-peers.sh */
export function peersIn(programs: string): readonly Peer[] {
  const env = { LD_LIBRARY_PATH: join(programs, 'usr/lib/x86_64-linux-gnu') };
  const each = (
    host: NetworkNamespace,
    ports: readonly number[],
    start: (port: number) => readonly [string, ...string[]],
  ): Promise<readonly RunningProgram[]> =>
    Promise.resolve(
      ports.map((port) => {
        const [program, ...args] = start(port);
        return host.start(program, args, env);
      }),
    );
  return [
    {
      name: 'haproxy',
      maxIdle: 10_000,
      start: async (host, ports) => {
        const configuration = join(programs, 'haproxy.cfg');
        await writeFile(configuration, haproxyConfiguration(ports));
        return [host.start(join(programs, 'usr/sbin/haproxy'), ['-f', configuration, '-db'], env)];
      },
    },
    {
      name: 'mobyvm',
      maxIdle: 10_000,
      start: async (host, ports) => {
        const program = join(import.meta.dirname, 'forward.js');
        const forwarder = host.start(process.execPath, [program, ADDRESS, TARGET, ...ports.map(String)]);
        await forwarder.line(/ready/);
        return [forwarder];
      },
    },
    {
      name: 'docker-proxy',
      // It stops entirely when it runs out of descriptors, and does not raise its own limit of 1,024.
      maxIdle: 400,
      start: (host, ports) => {
        const proxy = join(programs, 'usr/sbin/docker-proxy');
        const words = (port: number): string =>
          `-proto tcp -host-ip ${ADDRESS} -host-port ${port} -container-ip ${TARGET} -container-port ${port}`;
        return each(host, ports, (port) => ['sh', '-c', `exec ${proxy} ${words(port)} 3>/dev/null`]);
      },
    },
    {
      name: 'socat',
      maxIdle: 200,
      start: (host, ports) =>
        each(host, ports, (port) => [
          'socat',
          '-b65536',
          `TCP-LISTEN:${port},bind=${ADDRESS},fork,reuseaddr,nodelay,backlog=4096`,
          `TCP:${TARGET}:${port},nodelay`,
        ]),
    },
  ];
}

function haproxyConfiguration(ports: readonly number[]): string {
  const listeners = ports.map(
    (port) => `listen p${port}\n  bind ${ADDRESS}:${port}\n  server guest ${TARGET}:${port}\n`,
  );
  return `global
  maxconn 9900
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
${listeners.join('')}`;
}
