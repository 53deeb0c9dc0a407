import { expect, test } from 'vitest';
import { portLines } from '../../../src/cli/port.js';
import type { PortListing } from '../../../src/protocol/messages.js';

const WEB: PortListing['ports'][number] = {
  protocol: 'tcp',
  hostIp: '0.0.0.0',
  hostPort: 8080,
  container: 'web',
  containerPort: 80,
  state: 'open',
  connections: 3,
  bytesIn: 512,
  bytesOut: 1_572_864,
};

test('reports that there are no ports', () => {
  expect(portLines({ ports: [] })).toEqual(['No container publishes a port.']);
});

test('is a table, followed by the reasons why ports are not open', () => {
  const failed = { ...WEB, hostIp: '::', container: '', state: 'failed' as const, problem: 'in\u001b use' };
  expect(portLines({ ports: [WEB, failed] })).toEqual([
    'HOST              CONTAINER  STATE   CONNECTIONS  IN     OUT',
    '0.0.0.0:8080/tcp  web:80     open    3            512 B  1.5 MiB',
    '[::]:8080/tcp     ?:80       failed  3            512 B  1.5 MiB',
    '',
    expect.stringMatching(/^\[::\]:8080\/tcp: in.? ?use$/),
  ]);
});
