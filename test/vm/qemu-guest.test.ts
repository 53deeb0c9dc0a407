import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { lastBootStage, parseBootStage, type BootStage, type VmExit } from '../../src/vm/index.js';
import { QemuHarness } from '../support/vm/qemu-harness.js';
import { recordingContext, until } from '../support/vm/vm-harness.js';

const IMAGE = resolve(process.env['MOBYVM_TEST_IMAGE_DIR'] ?? 'build/guest/debian', 'mobyvm.iso');
const SIGNAL = new AbortController().signal;
const BOOT_SECONDS = 180;

beforeAll(async () => {
  await stat(IMAGE).catch((cause: unknown) => {
    const hint = 'build it with scripts/build-guest, or set MOBYVM_TEST_IMAGE_DIR';
    throw new TypeError(`The guest image ${IMAGE} is missing: ${hint}`, { cause });
  });
});

describe('the real guest', () => {
  test('boots with SeaBIOS up to its engine, is saved and restored, and shuts itself down', async () => {
    await using vm = await guest('bios');
    const stages = await bootTo(vm, 'engine');
    expect(stages.filter((stage) => stage.isError)).toEqual([]);
    expect(stages.map((stage) => stage.stage)).toEqual(
      expect.arrayContaining(['initramfs', 'root', 'init', 'data', 'network', 'engine']),
    );

    const savedAt = lastBootStage(await vm.driver.console.tail(200))!.uptimeSeconds;
    await vm.driver.save(recordingContext());
    expect(await vm.driver.state(SIGNAL)).toBe('saved');
    const stoppedAtMs = Date.now();
    await until(
      'the world to move on without the guest',
      () => Promise.resolve(Date.now() > stoppedAtMs + 6_000),
      20,
    );
    await vm.driver.restore(recordingContext());
    expect(await vm.driver.state(SIGNAL)).toBe('running');
    // Its clock continues from the save, and the guest corrects it from its RTC.
    await until(
      'the guest to correct its clock',
      async () => (await vm.driver.console.tail(20)).some((line) => /\] clock: stepped by \d+ s/.test(line)),
      30,
    );

    const exits: VmExit[] = [];
    const after: BootStage[] = [];
    vm.driver.onExit((exit) => exits.push(exit));
    vm.driver.console.onLine((line) => after.push(...[line].flatMap((each) => parseBootStage(each) ?? [])));
    const context = recordingContext();
    await vm.driver.stop({ gracefulSeconds: 90 }, context);
    expect(context.progressed).not.toContain('powering off');
    expect(exits.map((exit) => exit.reason)).toEqual(['host']);
    // The uptime continued: the machine was restored, not booted.
    const shutdown = after.find((stage) => stage.stage === 'shutdown');
    expect(shutdown?.uptimeSeconds).toBeGreaterThan(savedAt);
  });

  test('also boots with OVMF, from the same ISO', async () => {
    await using vm = await guest('uefi');
    const stages = await bootTo(vm, 'data');
    expect(stages.filter((stage) => stage.isError)).toEqual([]);
    expect((await readFile(join(vm.options.stateDirectory, 'uefi-variables.fd'))).length).toBeGreaterThan(0);
    await vm.driver.stop({ gracefulSeconds: 90 }, recordingContext());
    expect(await vm.driver.state(SIGNAL)).toBe('off');
  });

  test('has its whole boot in the console log, even if a driver attaches late', async () => {
    await using vm = await guest('bios');
    await vm.driver.close();
    const later = vm.another();
    await until(
      'the root file system',
      async () => (await later.console.tail(500)).some((line) => parseBootStage(line)?.stage === 'root'),
      BOOT_SECONDS,
    );
    const stages = (await later.console.tail(500)).map(parseBootStage);
    expect(stages.find((stage) => stage !== undefined)?.stage).toBe('initramfs');
    await later.remove({ dataDisk: true }, recordingContext());
    expect(await vm.traces()).toEqual([]);
  });
});

/** A started machine with a DHCP server on its bridge. */
async function guest(firmware: 'bios' | 'uefi'): Promise<QemuHarness> {
  const vm = await QemuHarness.create({ firmware, isoPath: IMAGE, memoryMiB: 2_048, cpus: 2 });
  try {
    vm.namespace.start('dnsmasq', [
      ...[
        '--conf-file=/dev/null',
        '--keep-in-foreground',
        '--port=0',
        '--interface=mobyvm0',
        '--bind-interfaces',
      ],
      ...['--dhcp-range=10.0.75.2,10.0.75.2,24h', `--dhcp-host=${vm.spec.network.mac},10.0.75.2,moby`],
      ...['--dhcp-authoritative', `--dhcp-leasefile=${vm.leasesPath}`, '--pid-file='],
    ]);
    await vm.driver.define(vm.spec, recordingContext());
    await vm.driver.start(recordingContext());
    return vm;
  } catch (error) {
    await vm[Symbol.asyncDispose]();
    throw error;
  }
}

/** All stages up to and including the wanted one. */
async function bootTo(vm: QemuHarness, wanted: string): Promise<readonly BootStage[]> {
  const stages = async (): Promise<readonly BootStage[]> =>
    (await vm.driver.console.tail(1_000)).flatMap((line) => parseBootStage(line) ?? []);
  await until(
    `the stage ${wanted}`,
    async () => (await stages()).some((stage) => stage.stage === wanted),
    BOOT_SECONDS,
  );
  return stages();
}
