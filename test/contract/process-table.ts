import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { ProcessTable } from '../../src/core/host/index.js';

/** What every process table does, with real processes. */
export function describeProcessTable(name: string, table: ProcessTable): void {
  describe(`the process table: ${name}`, () => {
    test('finds this process with its arguments, and with the same start id each time', async () => {
      const first = await table.find(process.pid);
      expect(first).toMatchObject({ pid: process.pid, startId: expect.stringMatching(/./) as string });
      expect(first?.args.length).toBeGreaterThan(0);
      expect((await table.find(process.pid))?.startId).toBe(first?.startId);
      expect(first && (await table.isAlive(first))).toBe(true);
    });

    test('does not mistake a process for an earlier one with the same pid, and does not kill it', async () => {
      const child = sleeper();
      try {
        const earlier = { pid: child.pid ?? 0, startId: 'another' };
        expect(await table.isAlive(earlier)).toBe(false);
        await table.kill(earlier);
        expect(await table.find(earlier.pid)).toBeDefined();
      } finally {
        child.kill('SIGKILL');
      }
    });

    test('kills the given process, and killing it again succeeds', async () => {
      const child = sleeper();
      const ended = once(child, 'exit');
      const found = await table.find(child.pid ?? 0);
      if (found === undefined) throw new TypeError('the child is not in the table');
      await table.kill(found);
      await ended;
      expect(await table.find(found.pid)).toBeUndefined();
      expect(await table.isAlive(found)).toBe(false);
      await table.kill(found);
    });

    test('does not find a pid that no process has', async () => {
      expect(await table.find(4_194_304)).toBeUndefined();
    });
  });
}

function sleeper(): ReturnType<typeof spawn> {
  return spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
}
