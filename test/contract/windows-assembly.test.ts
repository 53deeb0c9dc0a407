import { describe, expect, test } from 'vitest';
import { fileLedger } from '../../src/core/host/index.js';
import { SimulatedAssembly } from '../support/hyperv-host/assembled-machine.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';

const UP = { name: 'up' } as const;
const DOWN = { name: 'down' } as const;

describe('the machine on a simulated Windows host', () => {
  test('starts through the same steps as on Linux, reports its status, and stops', async () => {
    const host = new SimulatedHost();
    await using assembly = await SimulatedAssembly.create(host);
    const before = host.snapshot();
    const events = await assembly.operate(UP);
    expect(events.at(-1)).toMatchObject({ event: 'operation.done' });
    expect(events.flatMap((event) => (event.event === 'step.done' ? [event.step] : []))).toEqual(
      expect.arrayContaining([
        'hyperv',
        'image',
        'services',
        'certificates',
        'vm-definition',
        'vm',
        'engine',
      ]),
    );
    expect(assembly.requests).toContain('mobyvm.config');
    expect(await assembly.machine.status()).toMatchObject({
      state: 'running',
      vm: { driver: 'hyperv', state: 'running', firmware: 'uefi' },
      network: { name: 'mobyvm', subnet: '10.0.75.0/24', hostAddress: '10.0.75.1', vmAddress: '10.0.75.2' },
      engine: { reachable: true, version: '28.2.2-fake' },
      guest: { os: 'Simulated Linux' },
    });
    expect((await assembly.operate(DOWN)).at(-1)).toMatchObject({ event: 'operation.done' });
    expect(await assembly.machine.status()).toMatchObject({ state: 'stopped', vm: { state: 'off' } });
    expect(assembly.services.isUp).toBe(false);
    expect(host.snapshot()['network']).toEqual(before['network']);
    expect(host.snapshot()['firewall']).toEqual(before['firewall']);
  });

  test('is adopted by the next daemon without being restarted', async () => {
    const host = new SimulatedHost();
    await using assembly = await SimulatedAssembly.create(host);
    await assembly.operate(UP);
    const [machine] = host.machines;
    const { bootId } = host.guest!;
    await assembly.restartDaemon();
    const events = await assembly.operate(UP);
    expect(events.at(-1)).toMatchObject({ event: 'operation.done' });
    expect(host.machines).toEqual([machine]);
    expect(host.guest!.bootId).toBe(bootId);
  });

  test('is uninstalled with everything that it created, and with nothing else', async () => {
    const host = new SimulatedHost();
    await using assembly = await SimulatedAssembly.create(host);
    const before = host.snapshot();
    await assembly.operate(UP);
    const events = await assembly.operate({ name: 'uninstall', keepData: false });
    expect(events.at(-1)).toMatchObject({ event: 'operation.done' });
    expect(host.snapshot()).toEqual(before);
    expect(await fileLedger(assembly.paths.ledgerFile).list()).toEqual([]);
  });

  test('repairs a NAT network and firewall rules that were removed', async () => {
    const host = new SimulatedHost();
    await using assembly = await SimulatedAssembly.create(host);
    await assembly.operate(UP);
    const wanted = host.firewall.rules.size;
    host.firewall.rules.clear();
    await assembly.machine.repair();
    expect(host.firewall.rules.size).toBe(wanted);
    expect((await assembly.machine.status()).repairs.length).toBeGreaterThan(0);
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
    expect(counts['down']).toBeLessThanOrEqual(15);
  });
});
