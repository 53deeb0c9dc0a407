import { describe, expect, test } from 'vitest';
import { guestFactsOf } from '../../../../src/daemon/guest/guest-facts.plan.js';

const items = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([name, value]) => ({ name, value }));

describe('the facts of a guest', () => {
  test('are its system, its kernel and its IPv4 addresses', () => {
    const facts = guestFactsOf(
      items({
        OSName: 'Debian GNU/Linux',
        OSMajorVersion: '13',
        OSBuildNumber: '6.12.107+deb13-cloud-amd64',
        NetworkAddressIPv4: '10.0.75.2;172.17.0.1',
      }),
    );
    expect(facts).toEqual({
      os: 'Debian GNU/Linux 13',
      kernel: '6.12.107+deb13-cloud-amd64',
      addresses: ['10.0.75.2', '172.17.0.1'],
    });
  });

  test('are empty if the guest reports nothing', () => {
    expect(guestFactsOf([])).toEqual({ os: '', kernel: '', addresses: [] });
  });

  test('are bounded, whatever the guest reports', () => {
    const many = Array.from({ length: 500 }, (_, index) => `10.0.${index % 256}.1`);
    const facts = guestFactsOf(
      items({ OSName: 'x'.repeat(5_000), NetworkAddressIPv4: [...many, 'not an address', ''].join(';') }),
    );
    expect(facts.os.length).toBeLessThanOrEqual(120);
    expect(facts.addresses).toEqual(many.slice(0, 16));
  });
});
