import { describe, expect, test } from 'vitest';
import { MobyvmError } from '../../../../src/core/values/index.js';
import { bindError } from '../../../../src/proxy/bind-error.js';
import type { BindFailure, PortFacts } from '../../../../src/proxy/port-facts.js';
import { publishError } from '../../../../src/proxy/port/publish-error.js';

const refused = new MobyvmError('MOBYVM_BUG', 'bind EACCES 0.0.0.0:50001', '');
const socat = { pid: 7, name: 'socat' };

function factsWith(failure: BindFailure): PortFacts {
  return {
    boundSockets: () => Promise.resolve([]),
    owner: () => Promise.resolve(undefined),
    bindFailure: () => Promise.resolve(failure),
    hostAddresses: () => [],
  };
}

const FAILURES: readonly (readonly [BindFailure, string, string, string])[] = [
  [
    { kind: 'in-use', owner: undefined },
    'Bind for 0.0.0.0:50001 failed: port is already allocated (on the host, by another program)',
    'MOBYVM_PORT_IN_USE',
    'The DNS server cannot listen on TCP port 50001 of 0.0.0.0: it is in use by another program.',
  ],
  [
    { kind: 'in-use', owner: socat },
    'Bind for 0.0.0.0:50001 failed: port is already allocated (on the host, by "socat" (pid 7))',
    'MOBYVM_PORT_IN_USE',
    'The DNS server cannot listen on TCP port 50001 of 0.0.0.0: it is in use by "socat" (pid 7).',
  ],
  [
    { kind: 'reserved', first: 50_000, last: 50_059 },
    "Bind for 0.0.0.0:50001 failed: permission denied (the host's system has reserved ports 50000-50059)",
    'MOBYVM_DNS_SERVER',
    'The DNS server cannot listen on TCP port 50001 of 0.0.0.0: the system has reserved ports 50000-50059.',
  ],
  [
    { kind: 'no-address' },
    'listen tcp 0.0.0.0:50001: bind: cannot assign requested address (the host does not have it)',
    'MOBYVM_DNS_SERVER',
    'The DNS server cannot listen on TCP port 50001 of 0.0.0.0: this host does not have the address.',
  ],
  [
    { kind: 'not-permitted' },
    'Bind for 0.0.0.0:50001 failed: permission denied',
    'MOBYVM_NOT_ROOT',
    'The DNS server is not permitted to listen on TCP port 50001 of 0.0.0.0.',
  ],
  [
    { kind: 'other' },
    'listen tcp 0.0.0.0:50001: bind: bind EACCES 0.0.0.0:50001',
    'MOBYVM_DNS_SERVER',
    'The DNS server cannot listen on TCP port 50001 of 0.0.0.0: bind EACCES 0.0.0.0:50001.',
  ],
];

describe('a bind that fails', () => {
  test.each(FAILURES)('because of %j is explained to docker run', async (failure, message) => {
    const request = {
      protocol: 'tcp',
      hostIp: '0.0.0.0',
      hostPort: 50_001,
      containerIp: '172.17.0.2',
      containerPort: 80,
      relayPort: undefined,
    } as const;
    const error = await publishError(request, '0.0.0.0', { error: refused, portFacts: factsWith(failure) });
    expect(error).toMatchObject({ code: 'MOBYVM_PORT_PUBLISH', message, cause: refused });
  });

  test.each(FAILURES)('because of %j is explained with a remedy', async (failure, _, code, message) => {
    const wanted = { protocol: 'tcp', address: '0.0.0.0', port: 50_001, who: 'The DNS server' } as const;
    const error = await bindError({ ...wanted, code: 'MOBYVM_DNS_SERVER' }, refused, factsWith(failure));
    expect(error).toMatchObject({ code, message, cause: refused });
    expect(error.remedy).not.toBe('');
  });
});
