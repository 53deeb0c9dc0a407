import { describe, expect, test } from 'vitest';
import { MobyvmError } from '../../../../src/core/values/index.js';
import { windowsPortFacts } from '../../../../src/daemon/windows/port-facts.js';
import type { PortFacts } from '../../../../src/proxy/index.js';
import type { OwnedSocket } from '../../../../src/windows/index.js';

const SOCKETS: readonly OwnedSocket[] = [
  { address: '*', port: 53, pid: 10 },
  { address: '10.0.75.1', port: 53, pid: 20 },
  { address: '*', port: 445, pid: 4 },
];
const NAMES: Readonly<Record<number, string>> = { 10: 'svchost.exe', 20: 'dnscrypt-proxy.exe' };
const refusal = (code: string): Error => Object.assign(new TypeError(`bind ${code}`), { code });

function factsOf(sockets: readonly OwnedSocket[] = SOCKETS): PortFacts {
  return windowsPortFacts({
    sockets: { list: () => Promise.resolve(sockets), programOf: (pid) => Promise.resolve(NAMES[pid]) },
    excludedPorts: () => Promise.resolve([{ first: 50_000, last: 50_059 }]),
  });
}

describe('why Windows refuses to bind a port', () => {
  const wanted = { protocol: 'tcp', address: '127.0.0.1', port: 80 } as const;

  // https://learn.microsoft.com/windows/win32/winsock/using-so-reuseaddr-and-so-exclusiveaddruse
  test.each(['EACCES', 'EADDRINUSE'])('%s: a program has it for itself', async (code) => {
    const failure = await factsOf().bindFailure({ ...wanted, port: 53 }, refusal(code));
    expect(failure).toEqual({ kind: 'in-use', owner: { pid: 10, name: 'svchost.exe' } });
  });

  test('the system has reserved it', async () => {
    const failure = await factsOf().bindFailure({ ...wanted, port: 50_030 }, refusal('EACCES'));
    expect(failure).toEqual({ kind: 'reserved', first: 50_000, last: 50_059 });
  });

  test('never for want of rights: what cannot be explained stays unexplained', async () => {
    expect(await factsOf().bindFailure(wanted, refusal('EACCES'))).toEqual({ kind: 'other' });
    expect(await factsOf().bindFailure(wanted, refusal('EPERM'))).toEqual({ kind: 'other' });
  });

  test.each(['EADDRNOTAVAIL', 'EINVAL'])('%s: the host does not have the address', async (code) => {
    expect(await factsOf().bindFailure(wanted, refusal(code))).toEqual({ kind: 'no-address' });
  });

  test('a failure to find out is not an error', async () => {
    const lost = (): Promise<never> => Promise.reject(new MobyvmError('MOBYVM_BUG', 'lost', ''));
    const facts = windowsPortFacts({ sockets: { list: lost, programOf: lost }, excludedPorts: lost });
    expect(await facts.bindFailure(wanted, refusal('EACCES'))).toEqual({ kind: 'other' });
    expect(await facts.bindFailure(wanted, refusal('EADDRINUSE'))).toEqual({
      kind: 'in-use',
      owner: undefined,
    });
    expect(await facts.boundSockets('tcp')).toEqual([]);
  });
});

describe('the owner of a port on Windows', () => {
  test('is that of the exact address rather than that of all addresses', async () => {
    expect(await factsOf().owner('udp', 53, '10.0.75.1')).toEqual({ pid: 20, name: 'dnscrypt-proxy.exe' });
    expect(await factsOf().owner('udp', 53, '127.0.0.1')).toEqual({ pid: 10, name: 'svchost.exe' });
  });

  test('may be the system itself', async () => {
    expect(await factsOf().owner('tcp', 445)).toEqual({ pid: 4, name: 'a program of the system' });
  });
});
