import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LockPlace } from '../../src/daemon/process-lock.js';

export interface LockUnderTest extends AsyncDisposable {
  /** A new object for the same lock, as another process has. */
  readonly open: () => LockPlace;
  /** A command that takes the lock, prints a line, and waits for the end of its standard input. */
  readonly takingProgram: () => Promise<readonly [program: string, ...args: string[]]>;
}

/** What every lock does that makes a process the one daemon of an instance. */
export function describeLock(name: string, make: () => Promise<LockUnderTest>): void {
  describe(`the lock of an instance: ${name}`, () => {
    let under: LockUnderTest;
    beforeEach(async () => {
      under = await make();
    });
    afterEach(() => under[Symbol.asyncDispose]());

    test('is held by one process at a time, and the error names the holder', async () => {
      const lock = await under.open().take();
      expect(await under.open().holder()).toMatchObject({ pid: process.pid });
      await expect(under.open().take()).rejects.toMatchObject({
        code: 'MOBYVM_DAEMON_RUNNING',
        message: expect.stringContaining(`pid ${process.pid}`) as string,
      });
      await lock.release();
      expect(await under.open().holder()).toBeUndefined();
      await (await under.open().take()).release();
    });

    test('goes to exactly one of many concurrent takers', async () => {
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => under.open().take()));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('is released at the exit of a process that does not wait', async () => {
      const lock = await under.open().take();
      lock.releaseAtExit();
      expect(await under.open().holder()).toBeUndefined();
    });

    test('of another process is respected, and released when that process is killed', async () => {
      const [program, ...args] = await under.takingProgram();
      const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      try {
        await once(child.stdout, 'data');
        expect(await under.open().holder()).toMatchObject({ pid: child.pid });
        await expect(under.open().take()).rejects.toMatchObject({ code: 'MOBYVM_DAEMON_RUNNING' });
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
        expect(await under.open().holder()).toBeUndefined();
        await (await under.open().take()).release();
      } finally {
        child.kill('SIGKILL');
      }
    }, 120_000);
  });
}
