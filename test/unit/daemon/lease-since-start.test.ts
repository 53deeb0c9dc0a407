import { expect, test } from 'vitest';
import { parseIpv4, parseMac } from '../../../src/core/values/index.js';
import { LeaseSinceStart } from '../../../src/daemon/host-side/lease-since-start.js';
import type { DhcpLease } from '../../../src/proxy/index.js';

function lease(state: DhcpLease['state']): DhcpLease {
  const mac = parseMac('02:00:00:00:00:01');
  const address = parseIpv4('10.0.75.2');
  return { mac, address, hostname: 'moby', state, expiresAtMs: undefined, lastSeenMs: undefined };
}

test('the lease of an earlier boot does not count for the present one', () => {
  const since = new LeaseSinceStart();
  let tell: (now: DhcpLease) => void = () => undefined;
  since.follow({
    onLease(listener) {
      tell = listener;
      return () => undefined;
    },
  });
  tell(lease('bound'));
  expect(since.holds([lease('bound')])).toBe(true);
  since.expect();
  expect(since.holds([lease('bound')])).toBe(false);
  tell(lease('bound'));
  expect(since.holds([lease('bound')])).toBe(true);
  expect(since.holds([lease('expired')])).toBe(false);
  tell(lease('released'));
  expect(since.holds([lease('bound')])).toBe(false);
  expect(since.holds([])).toBe(false);
});
