import { describe, expect, test } from 'vitest';
import { pendingSettings, pendingText } from '../../../src/daemon/machine/pending-settings.plan.js';
import { settingsSchema } from '../../../src/daemon/settings/schema.js';
import { SAMPLE_SPEC } from '../../support/vm/sample-spec.js';

const RUNNING = {
  spec: SAMPLE_SPEC,
  accelerator: 'tcg',
  network: { name: 'mobyvm0', subnet: '10.0.75.0/24' },
};

function pendingFor(settings: object, wanted = SAMPLE_SPEC, running: Partial<typeof RUNNING> = {}): string {
  return pendingText(pendingSettings(settingsSchema.parse(settings), wanted, { ...RUNNING, ...running }));
}

describe('settings that a running machine applies only after a restart', () => {
  test.each([
    [{}, ''],
    [{ vm: { cpus: 4 } }, 'vm.cpus 2 → 4'],
    [{ vm: { memoryMiB: 1024 } }, 'vm.memoryMiB 2048 → 1024'],
    [{ vm: { accelerator: 'kvm' } }, 'vm.accelerator tcg → kvm'],
    [{ vm: { accelerator: 'tcg' } }, ''],
    [{ network: { bridge: 'other0' } }, 'network.bridge mobyvm0 → other0'],
    [{ network: { subnet: '10.1.2.0/24' } }, 'network.subnet 10.0.75.0/24 → 10.1.2.0/24'],
    [{ network: { subnet: '10.0.75.0/24' } }, ''],
    [
      { vm: { diskGiB: 99, bootTimeoutSeconds: 10 }, network: { leaseSeconds: 60, dnsServers: ['9.9.9.9'] } },
      '',
    ],
  ])('with %j: %s', (settings, text) => {
    expect(pendingFor(settings)).toBe(text);
  });

  test('another firmware is reported as the one that it resolves to', () => {
    expect(pendingFor({}, { ...SAMPLE_SPEC, firmware: 'uefi' })).toBe('vm.firmware bios → uefi');
  });

  test('another boot image is reported by its folder', () => {
    expect(pendingFor({}, { ...SAMPLE_SPEC, isoPath: '/new/mobyvm.iso' })).toBe(
      'image.directory /opt/mobyvm → /new',
    );
  });

  test('unknown properties of the machine are not guessed', () => {
    const settings = settingsSchema.parse({ vm: { cpus: 4 } });
    const unknown = { ...RUNNING, spec: undefined, accelerator: undefined };
    expect(pendingSettings(settings, SAMPLE_SPEC, unknown)).toEqual([]);
  });
});
