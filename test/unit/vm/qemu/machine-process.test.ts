import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { isAlive, killProcess, findProcess } from '../../../../src/core/host/index.js';
import { findMachineProcesses, runsMachine } from '../../../../src/vm/qemu/machine-process.js';

const ID = '0c6d1b0e-7a3f-4a57-9a5b-3f6f1f0a2b11';
const at = (...args: readonly string[]) => ({ pid: 1, startId: '1', args });

describe('a process', () => {
  test('is distinguished from a later one with the same pid by its start time', async () => {
    const self = await findProcess(process.pid);
    expect(self?.args[0]).toContain('node');
    expect(await isAlive(self!)).toBe(true);
    expect(await isAlive({ ...self!, startId: '1' })).toBe(false);
  });

  test('that has exited is not found, and killing it succeeds', async () => {
    const gone = { pid: 2 ** 22 + 1, startId: '1' };
    expect(await findProcess(gone.pid)).toBeUndefined();
    await killProcess(gone);
  });

  test('is not killed if only its pid matches', async () => {
    await killProcess({ pid: process.pid, startId: '1' });
    expect(await isAlive((await findProcess(process.pid))!)).toBe(true);
  });

  test('runs the machine only if it is a QEMU with its id', () => {
    expect(runsMachine(at('/usr/bin/qemu-system-x86_64', '-uuid', ID), ID)).toBe(true);
    expect(runsMachine(at('qemu-system-x86_64', '-uuid', ID.replace('0', '1')), ID)).toBe(false);
    expect(runsMachine(at('qemu-system-x86_64', '-name', ID), ID)).toBe(false);
    expect(runsMachine(at('grep', '-uuid', ID), ID)).toBe(false);
    expect(runsMachine(at(), ID)).toBe(false);
  });

  test('is found among all processes', async () => {
    expect(await findMachineProcesses(ID)).toEqual([]);
  });

  // A copy of a state folder has the machine's id.
  test('is told from that of another machine with the same id by the folders of its files', async () => {
    const disk = 'driver=qcow2,file.filename=/a,,b/state/vm/data.qcow2';
    const args = ['-e', 'setTimeout(() => undefined, 60_000)', '--', '-uuid', ID, '-blockdev', disk];
    const qemu = spawn(process.execPath, args, { argv0: 'qemu-system-x86_64', stdio: 'ignore' });
    try {
      await once(qemu, 'spawn');
      const pids = async (...folders: readonly string[]): Promise<number[]> =>
        (await findMachineProcesses(ID, folders)).map(({ pid }) => pid);
      expect(await pids()).toEqual([qemu.pid]);
      expect(await pids('/elsewhere', '/a,b/state/vm')).toEqual([qemu.pid]);
      expect(await pids('/a,b/state/v', '/elsewhere')).toEqual([]);
    } finally {
      qemu.kill('SIGKILL');
      await once(qemu, 'exit');
    }
  });
});
