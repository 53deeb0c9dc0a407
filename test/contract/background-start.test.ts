import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { linuxProcessTable, sleep } from '../../src/core/host/index.js';
import { backgroundProcess } from '../../src/daemon/linux/background-process.js';
import { compiledSource } from '../support/compiled.js';
import { describeBackgroundStart } from './background-start.js';

describeBackgroundStart('Linux, a process', backgroundProcess);

test('on Linux a daemon outlives the command that started it, and the signals of its terminal', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-background-'));
  const out = join(folder, 'out');
  const source = await compiledSource();
  const script = `
    import { backgroundProcess } from '${source}/daemon/linux/background-process.js';
    const daemon = 'console.log(process.pid); setInterval(() => undefined, 1000)';
    await backgroundProcess.start({
      command: [process.execPath, '-e', daemon], env: process.env, outputFile: ${JSON.stringify(out)} });`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', script], {
    detached: true,
    stdio: 'inherit',
  });
  const group = starter.pid ?? 0;
  let pid = 0;
  try {
    expect(await once(starter, 'exit')).toEqual([0, null]);
    while (pid === 0) {
      await sleep(20);
      pid = Number(await readFile(out, 'utf8'));
    }
    // The group of the starter is empty by now: the daemon is in another.
    expect(() => process.kill(-group, 'SIGHUP')).toThrow(/ESRCH/);
    expect(await linuxProcessTable.find(pid)).toBeDefined();
  } finally {
    if (pid > 0) process.kill(pid, 'SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
