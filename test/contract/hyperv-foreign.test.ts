import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PowerShellWmi } from '../../src/kvp/index.js';
import type { VmExit } from '../../src/vm/index.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { SWITCH, WholeMachine } from '../support/hyperv-host/whole-machine.js';

const signal = new AbortController().signal;
const context = { signal, progress: () => undefined, onFailure: () => undefined };

async function withWhole(work: (whole: WholeMachine, host: SimulatedHost) => Promise<void>): Promise<void> {
  const host = new SimulatedHost();
  host.network.tentativeLooks = 0;
  const whole = await WholeMachine.create(host, new SimulatedPowerShell(host.answer));
  try {
    await work(whole, host);
  } finally {
    await whole.dispose();
  }
}

describe('objects that mobyvm did not create', () => {
  it('include a copy of the machine in another folder, even with its notes: it is neither adopted nor removed', () =>
    withWhole(async (whole, host) => {
      const parameters = { Name: 'backup copy', MemoryStartupBytes: 1, Generation: '2', Path: '/d/backup' };
      host.answer({ command: 'New-VM', parameters });
      const [copy] = host.machines;
      Object.assign(copy!, { notes: `mobyvm:${whole.spec.machineId}`, state: 'Running' });
      await whole.up();
      expect(host.machines).toHaveLength(2);
      await whole.uninstall();
      expect(host.machines.map(({ name, state }) => [name, state])).toEqual([['backup copy', 'Running']]);
    }));

  it('include the address of a switch with the same name: `up` rejects it, and `uninstall` keeps it', () =>
    withWhole(async (whole, host) => {
      host.network.addSwitch(SWITCH, 'of another');
      const adapter = host.network.adapters[1]!;
      Object.assign(adapter, { hasDhcp: false });
      adapter.addresses.push({ address: '10.0.75.1', prefixLength: 24, looksUntilUsable: 0 });
      const before = host.network.snapshot();
      await expect(whole.up()).rejects.toMatchObject({ code: 'MOBYVM_FOREIGN_OBJECT' });
      await whole.uninstall();
      expect(host.network.snapshot()).toEqual(before);
    }));

  it('include a checkpoint: the machine is not started without the data written since', () =>
    withWhole(async (whole, host) => {
      await whole.up();
      await whole.driver.powerOff(context);
      const [machine] = host.machines;
      machine?.disks.splice(0, 1, whole.spec.dataDisk.path.replace('.vhdx', '_1.avhdx'));
      const disks = [...(machine?.disks ?? [])];
      await expect(whole.up()).rejects.toMatchObject({
        code: 'MOBYVM_DATA_DISK',
        remedy: expect.stringContaining('checkpoint') as string,
      });
      expect(machine?.disks).toEqual(disks);
    }));
});

it('a machine that runs during a backup is not changed: the next `up` after it enlarges the disk', () =>
  withWhole(async (whole, host) => {
    await whole.up();
    const [machine] = host.machines;
    machine?.disks.splice(0, 1, whole.spec.dataDisk.path.replace('.vhdx', '_1.avhdx'));
    const larger = { ...whole.spec, dataDisk: { ...whole.spec.dataDisk, sizeGiB: 3 } };
    await whole.up(larger);
    expect(host.calls.map(({ command }) => command)).not.toContain('Resize-VHD');
    machine?.disks.splice(0, 1, whole.spec.dataDisk.path);
    await whole.up(larger);
    expect(host.calls.map(({ command }) => command)).toContain('Resize-VHD');
  }));

it('a data disk that was moved away is recreated, and the existing machine can open the new one', () =>
  withWhole(async (whole, host) => {
    await whole.up();
    await whole.driver.powerOff(context);
    await rename(whole.spec.dataDisk.path, join(whole.folder, 'moved.vhdx'));
    await whole.up();
    expect(host.machines.map(({ state, disks }) => [state, disks])).toEqual([
      ['Running', [whole.spec.dataDisk.path]],
    ]);
  }));

it.each(['Running', 'Off'])(
  'a machine (%s) with a checkpoint is not removed: its disk would be merged afterwards',
  (state) =>
    withWhole(async (whole, host) => {
      await whole.up();
      if (state === 'Off') await whole.driver.powerOff(context);
      host.machines[0]?.disks.splice(0, 1, whole.spec.dataDisk.path.replace('.vhdx', '_1.avhdx'));
      await expect(whole.driver.remove({ dataDisk: true }, context)).rejects.toMatchObject({
        code: 'MOBYVM_DATA_DISK',
        remedy: expect.stringContaining('checkpoint') as string,
      });
      expect(host.machines).toMatchObject([{ state }]);
      expect(await whole.driver.definition()).toEqual(whole.spec);
    }),
);

it('the machine is recognised even if its notes were replaced: they are kept, and the tag is added', () =>
  withWhole(async (whole, host) => {
    await whole.up();
    await whole.driver.powerOff(context);
    const [machine] = host.machines;
    Object.assign(machine!, { notes: 'do not touch' });
    await whole.up();
    expect(host.machines).toEqual([machine]);
    expect(machine?.notes).toBe(`do not touch\nmobyvm:${whole.spec.machineId}`);
  }));

it('devices added to the machine by hand are kept, and removed ones are restored', () =>
  withWhole(async (whole, host) => {
    await whole.up();
    await whole.driver.powerOff(context);
    host.network.addSwitch('Default Switch', 'of Windows');
    const [machine] = host.machines;
    const { mac } = machine!.adapters[0]!;
    machine!.adapters.length = 0;
    machine!.addAdapter('Default Switch');
    machine!.dvds.unshift(join(whole.folder, 'drivers.iso'));
    machine!.bootOrder.reverse();
    await whole.up();
    expect(machine!.dvds).toEqual([join(whole.folder, 'drivers.iso'), whole.spec.isoPath]);
    expect(machine!.bootOrder[0]).toMatchObject({ Device: { Path: whole.spec.isoPath } });
    expect(machine!.adapters.map(({ mac: each, switchName }) => [each, switchName])).toEqual([
      ['000000000000', 'Default Switch'],
      [mac, SWITCH],
    ]);
    await whole.driver.powerOff(context);
    machine!.adapters.length = 0;
    machine!.addAdapter('Default Switch', '00155D000001');
    machine!.addAdapter(SWITCH);
    await whole.up();
    expect(machine!.adapters).toMatchObject([{ mac: '00155D000001', switchName: 'Default Switch' }, { mac }]);
    await whole.driver.powerOff(context);
    machine!.adapters.length = 0;
    await whole.up();
    expect(machine!.adapters).toMatchObject([{ mac, switchName: SWITCH, isDynamic: false }]);
  }));

it('observations that overlap the start of the machine report no exit', () =>
  withWhole(async (whole, host) => {
    const exits: VmExit[] = [];
    whole.driver.onExit((exit) => exits.push(exit));
    for (let round = 0; round < 5; round += 1) {
      const over = new AbortController();
      const looking = (async () => {
        while (!over.signal.aborted) await whole.driver.state(signal);
      })();
      await whole.up();
      over.abort();
      await looking;
      expect(host.machines[0]?.state).toBe('Running');
      await whole.driver.powerOff(context);
    }
    expect(exits.filter(({ reason }) => reason === 'died')).toEqual([]);
    expect(exits).toHaveLength(5);
  }));

it('a machine whose saved state cannot be discarded can be removed', () =>
  withWhole(async (whole, host) => {
    await whole.up();
    await whole.driver.save(context);
    Object.assign(host.machines[0]!, { state: 'FastSavedCritical', stuck: 'error' });
    await whole.uninstall().catch(() => undefined);
    await whole.uninstall();
    expect(host.machines).toEqual([]);
  }));

it('an item that WMI refuses to read is an error with a code and a remedy', async () => {
  const host = new SimulatedHost();
  host.fault = { nth: 0, kind: 'denied' };
  const powerShell = new SimulatedPowerShell(host.answer);
  const machineGuid = () => Promise.resolve('2a34b1c2-fd73-4043-8a5b-dd2159bc743f');
  await expect(new PowerShellWmi({ powerShell, machineGuid }).read(signal)).rejects.toMatchObject({
    code: 'MOBYVM_KVP_FAILED',
    remedy: expect.stringMatching(/\w/) as string,
  });
});
