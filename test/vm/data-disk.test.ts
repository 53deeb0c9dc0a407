import { chmod, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run, type RunResult } from '../../src/core/host/index.js';
import { Instance } from '../support/instance.js';

const FOREIGN_BYTES = 64 * 1024 * 1024;
let instance: Instance;

beforeEach(async () => {
  instance = await Instance.create();
});
afterEach(() => instance[Symbol.asyncDispose]());

/** `up` with a QEMU that is started with other arguments: the lines of sh see ours as "$@". */
async function upWithQemu(script: string): Promise<RunResult> {
  const programs = join(instance.directory, 'bin');
  const real = (await run('sh', ['-c', 'command -v qemu-system-x86_64'])).stdout.trim();
  await mkdir(programs);
  await writeFile(
    join(programs, 'qemu-system-x86_64'),
    `#!/bin/bash\nreal=${real}\n${script}\nexec "$real" "$@"\n`,
  );
  await chmod(join(programs, 'qemu-system-x86_64'), 0o755);
  const path = `${programs}:${process.env['PATH'] ?? ''}`;
  return instance.mobyvm(['up', '--netns', instance.namespace], {
    env: { ...process.env, ...instance.env, PATH: path },
  });
}

function console(): Promise<string> {
  return readFile(join(instance.directory, 'log/console.log'), 'utf8');
}

describe('the guest', () => {
  test('leaves a foreign blank disk alone, even if it stands first, and formats the one that the host named', async () => {
    const foreign = join(instance.directory, 'foreign.raw');
    const file = await open(foreign, 'w');
    await file.truncate(FOREIGN_BYTES);
    await file.close();
    const result = await upWithQemu(
      `case " $* " in *" -uuid "*)
  set -- -drive file=${foreign},if=none,id=foreign,format=raw -device virtio-blk-pci,drive=foreign,addr=0x2 "$@" ;;
esac`,
    );
    expect(result.exitCode, result.stderr).toBe(0);
    expect(await console()).toMatch(/data: \/dev\/vdb is blank: formatting/);
    expect((await instance.mobyvm(['down'])).exitCode).toBe(0);
    const zeros = await run('cmp', ['-n', String(FOREIGN_BYTES), foreign, '/dev/zero']);
    expect(zeros.exitCode).toBe(0);
  });

  test('never starts the engine without its data disk, and says what is missing', async () => {
    const result = await upWithQemu('set -- "${@//serial=mobyvm-data/serial=another}"');
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/MOBYVM_GUEST_BOOT/);
    expect(result.stderr).toMatch(/data: no data disk/);
    expect(await console()).not.toMatch(/\] engine: dockerd .* answers/);
  });
});
