import { z } from 'zod';
import type { AskedProbe } from './diagnose.js';

type Row = readonly [id: string, title: string, group: AskedProbe['group'], seconds: number, path: string];

/** As `mobyvm diagnose` asks them, which gives up a daemon that hangs. */
const ROWS: readonly Row[] = [
  ['status', 'Status', 'summary', 20, '/v1/status'],
  ['published-ports', 'Published ports', 'network', 10, '/v1/ports'],
  ['leases', 'DHCP leases', 'network', 10, '/v1/dhcp/leases'],
  ['dns-status', 'DNS server for containers', 'names', 10, '/v1/dns'],
  ['kvp-host', 'Key-value items: host', 'vm', 15, '/v1/kvp/host'],
  ['kvp-guest', 'Key-value items: guest', 'vm', 15, '/v1/kvp/guest'],
  ['kvp-intrinsic', 'Key-value items: intrinsic', 'vm', 15, '/v1/kvp/intrinsic'],
  ['shares', 'Shares', 'shares', 10, '/v1/shares'],
];

const DOCTOR = '/v1/doctor';
const report = z.object({ findings: z.array(z.unknown()) });

/** What a daemon asks itself for a diagnosis. @param ask answers a GET request of the control API */
export function ownQuestions(
  ask: (path: string, signal: AbortSignal) => Promise<unknown>,
): readonly AskedProbe[] {
  return [
    {
      id: 'doctor',
      title: 'Checks of this host',
      group: 'summary',
      seconds: 40,
      ask: async (signal) => ({ data: report.parse(await ask(DOCTOR, signal)).findings }),
    },
    ...ROWS.map(([id, title, group, seconds, path]) => ({
      id,
      title,
      group,
      seconds,
      ask: async (signal: AbortSignal) => ({ data: await ask(path, signal) }),
    })),
  ];
}
