import { expect, test } from 'vitest';
import { leaseLines } from '../../../src/cli/dhcp.js';
import { toWireLease } from '../../../src/daemon/control/wire.js';
import { leaseListing } from '../../../src/protocol/messages.js';
import { parseIpv4, parseMac } from '../../../src/core/values/index.js';

const lease = {
  mac: parseMac('02:00:0a:00:4b:02'),
  address: parseIpv4('10.0.75.2'),
  hostname: 'moby',
} as const;

test('leases are a table with absolute times', () => {
  const bound = toWireLease({
    ...lease,
    state: 'bound',
    expiresAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    lastSeenMs: Date.UTC(2026, 0, 2, 3, 0, 0),
  });
  expect(leaseLines(leaseListing.parse({ leases: [bound] }))).toEqual([
    'ADDRESS    MAC                NAME  STATE  EXPIRES                   LAST SEEN',
    '10.0.75.2  02:00:0a:00:4b:02  moby  bound  2026-01-02T03:04:05.000Z  2026-01-02T03:00:00.000Z',
  ]);
});

test('a lease that nobody has asked for has no times', () => {
  const free = toWireLease({ ...lease, state: 'free', expiresAtMs: undefined, lastSeenMs: undefined });
  expect(free).toEqual({ ...lease, state: 'free' });
  expect(leaseLines({ leases: [free] })[1]).toMatch(/ free +- +-$/);
});

test('without a DHCP server there is a hint instead of a table', () => {
  expect(leaseLines({ leases: [] })).toEqual([
    'The DHCP server is not running. Start the VM with `mobyvm up`.',
  ]);
});
