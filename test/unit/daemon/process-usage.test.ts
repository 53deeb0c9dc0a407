import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processUsage } from '../../../src/daemon/linux/process-usage.plan.js';
import { usageOfProcess } from '../../../src/daemon/linux/process-usage.js';

test('the processor time of a process is counted whatever its name', () => {
  const stat = '7 (qemu) x (y) S 1 7 7 0 -1 4194560 1 0 0 0 1250 250 0 0 20 0 4 0 99 1 2 3';
  expect(processUsage(stat, 'Name:\tqemu\nVmRSS:\t  2048 kB\nThreads:\t4\n')).toEqual({
    processorSeconds: 15,
    memoryBytes: 2_097_152,
  });
});

test.each([
  ['', ''],
  ['7 (a) S', 'VmRSS:\t1 kB'],
  ['7 (a) S 1 7 7 0 -1 0 0 0 0 0 1 2 0', 'Name:\ta'],
])('what is not understood is no usage: %j, %j', (stat, status) => {
  expect(processUsage(stat, status)).toBeUndefined();
});

test('a living process has a usage, and one that has ended has none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-usage-'));
  const file = join(folder, 'pid');
  try {
    expect(await usageOfProcess(file)).toBeUndefined();
    await writeFile(file, `${process.pid}\n`);
    expect((await usageOfProcess(file))?.memoryBytes).toBeGreaterThan(1_000_000);
    // The kernel gives no process such a number: https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html
    await writeFile(file, '4194305\n');
    expect(await usageOfProcess(file)).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true });
  }
});
