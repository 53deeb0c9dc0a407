import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/core/host/index.js';

/** The guest's key-value device as a program, on a machine that has no port for it. */
const MAKE = resolve(import.meta.dirname, '../../guest/build/make-kvp-device');
const MAX_BYTES = 64 * 1024;
let folder = '';
let program = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-kvp-device-'));
  program = join(folder, 'kvp-device');
  await run(MAKE, [program]);
});
afterAll(() => rm(folder, { recursive: true }));

describe('the key-value device', () => {
  test('is a small static program', async () => {
    expect((await stat(program)).size).toBeLessThan(MAX_BYTES);
    const { stdout, stderr } = await run('ldd', [program], { acceptExitCodes: [0, 1] });
    expect(stdout + stderr).toMatch(/not a dynamic executable|statically linked/);
  });

  test.each([[['--check', 'org.mobyvm.kvp']], [['org.mobyvm.kvp']]])(
    'reports a missing port: %j',
    async (args) => {
      const { exitCode, stderr } = await run(program, args, { acceptExitCodes: [1], timeoutMs: 20_000 });
      expect(exitCode).toBe(1);
      expect(stderr).toBe('kvp-device: the machine has no virtio-serial port named org.mobyvm.kvp\n');
    },
  );

  test('prints its usage', async () => {
    const { stderr } = await run(program, [], { acceptExitCodes: [2] });
    expect(stderr).toBe('usage: kvp-device [--check] PORT\n');
  });
});
