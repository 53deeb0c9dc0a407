import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compactDataDisk, hypervPreflight } from '../../src/vm/index.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { recordingContext } from '../support/vm/vm-harness.js';

let folder: string;
let host: SimulatedHost;
let powerShell: SimulatedPowerShell;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mvh-'));
  path = join(folder, 'data.vhdx');
  host = new SimulatedHost();
  powerShell = new SimulatedPowerShell(host.answer);
  host.answer({ command: 'New-VHD', parameters: { Path: path, SizeBytes: 1024 ** 3 } });
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('compacting the data disk', () => {
  it('shrinks its file, and leaves it unmounted', async () => {
    expect(await compactDataDisk(powerShell, path, recordingContext())).toBe(60_000_000);
    await expect(
      powerShell.run([{ cmdlet: 'Dismount-VHD', parameters: { Path: path } }], recordingContext()),
    ).rejects.toThrow();
  });

  it('unmounts a disk that an interrupted attempt left mounted', async () => {
    host.answer({ command: 'Mount-VHD', parameters: { Path: path, ReadOnly: true } });
    expect(await compactDataDisk(powerShell, path, recordingContext())).toBe(60_000_000);
  });

  it.each([0, 1, 2, 3, 4])('reports a failure of call %i and leaves no mount', async (nth) => {
    host.fault = { nth, kind: 'in use' };
    const context = recordingContext();
    await expect(compactDataDisk(powerShell, path, context)).rejects.toMatchObject({
      code: 'MOBYVM_DATA_DISK',
      remedy: expect.stringMatching(/\w/) as string,
    });
    await context.undoAll();
    host.answer({ command: 'Mount-VHD', parameters: { Path: path, ReadOnly: true } });
    expect(await compactDataDisk(powerShell, path, recordingContext())).toBeGreaterThanOrEqual(0);
  });
});

describe('before anything is set up', () => {
  const step = () => hypervPreflight(powerShell).run(recordingContext());
  const vmms = () => host.system.services.find(({ Name }) => Name === 'vmms')!;

  it('a running service is left alone', async () => {
    expect(await step()).toBe('none');
    expect(host.calls.filter(({ command }) => command === 'Start-Service')).toEqual([]);
  });

  it('a stopped service is started', async () => {
    vmms().State = 'Stopped';
    expect(await step()).toBe('update');
    expect(vmms().State).toBe('Running');
  });

  it('a disabled or missing service is an error with a remedy', async () => {
    vmms().StartMode = 'Disabled';
    await expect(step()).rejects.toMatchObject({
      code: 'MOBYVM_HYPERV',
      remedy: expect.stringContaining('Set-Service') as string,
    });
    host.system.services.length = 0;
    await expect(step()).rejects.toMatchObject({
      code: 'MOBYVM_HYPERV',
      remedy: expect.stringContaining('Enable-WindowsOptionalFeature') as string,
    });
    host.system.feature = 'EnablePending';
    await expect(step()).rejects.toMatchObject({
      remedy: expect.stringContaining('Restart Windows') as string,
    });
  });
});
