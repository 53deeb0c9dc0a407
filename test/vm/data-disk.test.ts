import { chmod, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run, type RunResult } from '../../src/core/host/index.js';
import { Instance } from '../support/instance.js';

const FOREIGN_BYTES = 64 * 1024 * 1024;
let instance: Instance;

beforeEach(async () => {
  instance = await Instance.create();
});
afterEach(() => instance[Symbol.asyncDispose]());

/** `up` with a QEMU that gets other arguments: the lines of sh see ours as "$@". */
async function upWithQemu(script: string): Promise<RunResult> {
  const programs = join(instance.directory, 'bin');
  const real = (await run('sh', ['-c', 'command -v qemu-system-x86_64'])).stdout.trim();
  await mkdir(programs, { recursive: true });
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

/** A disk of zeros that is not ours. */
async function foreignDisk(): Promise<string> {
  const path = join(instance.directory, 'foreign.raw');
  const file = await open(path, 'w');
  await file.truncate(FOREIGN_BYTES);
  await file.close();
  return path;
}

async function expectZeros(path: string): Promise<void> {
  const { exitCode } = await run('cmp', ['-n', String(FOREIGN_BYTES), path, '/dev/zero']);
  expect(exitCode).toBe(0);
}

describe('the guest', () => {
  test('leaves a foreign blank disk alone, even if it is the first, and formats the one that the host named', async () => {
    const foreign = await foreignDisk();
    const result = await upWithQemu(
      `case " $* " in *" -uuid "*)
  set -- -drive file=${foreign},if=none,id=foreign,format=raw -device virtio-blk-pci,drive=foreign,addr=0x2 "$@" ;;
esac`,
    );
    expect(result.exitCode, result.stderr).toBe(0);
    expect(await console()).toMatch(/data: \/dev\/vdb is blank: formatting/);
    expect((await instance.mobyvm(['down', '--stop'])).exitCode).toBe(0);
    await expectZeros(foreign);
  });

  test('never starts the engine without its data disk, and reports what is missing', async () => {
    const result = await upWithQemu('set -- "${@//serial=mobyvm-data/serial=another}"');
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/MOBYVM_GUEST_BOOT/);
    expect(result.stderr).toMatch(/data: no data disk/);
    expect(await console()).not.toMatch(/\] engine: dockerd .* answers/);
  });
});

/**
 * Hyper-V gives disks no serial. QEMU has no VMBus devices that Linux boots from, so the guest is told by a word on the kernel
 * command line to follow its rule for Hyper-V. Real here: the image's kernel, initramfs and root, booted with that word;
 * the data disk as a SCSI disk without a serial, as hv_storvsc would show it; blkid, mkfs.ext4 and e2fsck on it. Not tried:
 * hv_storvsc itself, and how late it finds disks.
 */
describe('the guest with disks without a serial', () => {
  const IMAGE = resolve(process.env['MOBYVM_TEST_IMAGE_DIR'] ?? 'build/guest/debian');
  let boot = '';

  beforeAll(async () => {
    boot = await mkdtemp(join(tmpdir(), 'mobyvm-boot-'));
    const files = ['vmlinuz', 'initrd'].flatMap((name) => ['-extract', `/live/${name}`, join(boot, name)]);
    await run('xorriso', ['-osirrox', 'on', '-indev', join(IMAGE, 'mobyvm.iso'), ...files]);
  });
  afterAll(() => rm(boot, { recursive: true, force: true }));

  /** @param more lines of sh, after those that take the serial away and before QEMU starts */
  async function upLikeHyperV(more = ''): Promise<RunResult> {
    const manifest = JSON.parse(await readFile(join(IMAGE, 'manifest.json'), 'utf8')) as {
      kernelCommandLine: string;
    };
    const commandLine = `${manifest.kernelCommandLine} mobyvm.data-disk=only`;
    return upWithQemu(`case " $* " in *" -uuid "*)
  for argument; do
    shift
    case $argument in
      virtio-blk-pci,*serial=mobyvm-data*) argument=\${argument/virtio-blk-pci,/scsi-hd,bus=scsi.0,} argument=\${argument/,serial=mobyvm-data/} ;;
      # -kernel is number 0 in the boot order.
      scsi-cd,*) argument=\${argument/,bootindex=0/} ;;
    esac
    set -- "$@" "$argument"
  done
  set -- "$@" -kernel ${boot}/vmlinuz -initrd ${boot}/initrd -append '${commandLine}'
${more} ;;
esac`);
  }

  test('formats the only disk when it is blank, and uses it again at the next boot', async () => {
    const first = await upLikeHyperV();
    expect(first.exitCode, first.stderr).toBe(0);
    expect(await console()).toMatch(/data: \/dev\/sda is blank: formatting/);
    await instance.docker(['volume', 'create', 'kept']);
    expect((await instance.mobyvm(['down', '--stop'])).exitCode).toBe(0);

    const second = await upLikeHyperV();
    expect(second.exitCode, second.stderr).toBe(0);
    expect(await instance.docker(['volume', 'ls', '--quiet'])).toBe('kept\n');
    // Each boot has a console log of its own.
    expect(await console()).toMatch(/data: \/dev\/sda mounted/);
    expect(await console()).not.toMatch(/formatting/);
  });

  test('refuses the only disk if it has data, and keeps the data', async () => {
    const disk = join(instance.directory, 'state/vm/data.qcow2');
    await mkdir(join(instance.directory, 'state/vm'), { recursive: true, mode: 0o700 });
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '64G']);
    // Far from where signatures are: only the samples see it.
    const written = '-P 0x5a 8G 64k';
    await run('qemu-io', ['-f', 'qcow2', '-c', `write ${written}`, disk]);
    const result = await upLikeHyperV();
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/data: \/dev\/sda is the only disk but is neither blank nor labelled/);
    expect((await instance.mobyvm(['down', '--stop'])).exitCode).toBe(0);
    await run('qemu-io', ['-f', 'qcow2', '-c', `read ${written}`, disk]);
    expect(await console()).not.toMatch(/formatting/);
  });

  test('refuses two blank disks and writes to neither', async () => {
    const foreign = await foreignDisk();
    const result = await upLikeHyperV(
      `  set -- "$@" -drive file=${foreign},if=none,id=foreign,format=raw -device scsi-hd,bus=scsi.0,drive=foreign`,
    );
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/data: none of the disks \(sda sdb\) has the label mobyvm-data/);
    expect((await instance.mobyvm(['down', '--stop'])).exitCode).toBe(0);
    await expectZeros(foreign);
    expect(await console()).not.toMatch(/formatting/);
  });
});
