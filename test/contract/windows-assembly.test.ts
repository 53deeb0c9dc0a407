import { describe, expect, test } from 'vitest';
import { SimulatedAssembly } from '../support/hyperv-host/assembled-machine.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { describeAssembly, type AssemblyUnderTest } from './machine-assembly.js';

const UP = { name: 'up' } as const;
const DOWN = { name: 'down', stop: true } as const;

describeAssembly('Windows, on a simulated host', 'data.vhdx', onSimulatedHost);

describe('the machine on a simulated Windows host', () => {
  test('reports its platform and what the guest says in its status', async () => {
    await using assembly = await SimulatedAssembly.create(new SimulatedHost());
    await assembly.operate(UP);
    expect(assembly.requests).toContain('mobyvm.config');
    expect(await assembly.machine.status()).toMatchObject({
      vm: { driver: 'hyperv', firmware: 'uefi' },
      network: { name: 'mobyvm' },
      guest: { os: 'Simulated Linux' },
    });
  });

  test('asks PowerShell a bounded number of times', async () => {
    const host = new SimulatedHost();
    // The driver's own looks would be counted too.
    await using assembly = await SimulatedAssembly.create(host, 600);
    const counts: Record<string, number> = {};
    const counted = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      assembly.calls.reset();
      await work();
      counts[what] = assembly.calls.total;
      await assembly.settled();
    };
    await counted('first up', () => assembly.operate(UP));
    await counted('up of a running machine', () => assembly.operate(UP));
    await counted('status', () => assembly.machine.status());
    await counted('repair check', () => assembly.machine.repair());
    await counted('down', () => assembly.operate(DOWN));
    process.stdout.write(`PowerShell calls of the assembled machine: ${JSON.stringify(counts)}\n`);
    expect(counts['status']).toBeLessThanOrEqual(1);
    expect(counts['first up']).toBeLessThanOrEqual(50);
    expect(counts['up of a running machine']).toBeLessThanOrEqual(20);
    expect(counts['repair check']).toBeLessThanOrEqual(6);
    expect(counts['down']).toBeLessThanOrEqual(17);
  });
});

async function onSimulatedHost(): Promise<AssemblyUnderTest> {
  const host = new SimulatedHost();
  const assembly = await SimulatedAssembly.create(host);
  return {
    operate: (operation, cancelAt) => assembly.operate(operation, cancelAt),
    status: () => assembly.machine.status(),
    repair: () => assembly.machine.repair(),
    restartDaemon: () => assembly.restartDaemon(),
    snapshot: () => Promise.resolve(structuredClone(host.snapshot())),
    ledger: () => assembly.ledger(),
    stateFiles: () => assembly.stateFiles(),
    boot: () => Promise.resolve(host.guest?.bootId),
    deleteRules: () => {
      host.firewall.rules.clear();
      return Promise.resolve();
    },
    deleteNetwork: () => Promise.resolve(void host.network.nats.splice(0)),
    refuseStarts: (refuses) => {
      if (refuses) host.refused.add('Start-VM');
      else host.refused.delete('Start-VM');
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => assembly[Symbol.asyncDispose](),
  };
}
