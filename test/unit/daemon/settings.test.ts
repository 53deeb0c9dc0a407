import { describe, expect, test } from 'vitest';
import { MobyvmError } from '../../../src/core/index.js';
import { firmwareFor } from '../../../src/daemon/settings/firmware.plan.js';
import { parseSettings } from '../../../src/daemon/settings/load.js';

function problemsOf(text: string): string {
  try {
    parseSettings(text, '/etc/mobyvm/settings.json');
  } catch (error) {
    if (error instanceof MobyvmError && error.code === 'MOBYVM_SETTINGS') return error.message;
    throw error;
  }
  throw new TypeError('the settings were accepted');
}

describe('settings', () => {
  test('an empty file means all defaults', () => {
    const settings = parseSettings('{}', 'settings.json');
    expect(settings.vm).toMatchObject({ cpus: 2, memoryMiB: 2048, firmware: 'auto' });
    expect(settings.network).toMatchObject({ subnet: 'auto', bridge: 'mobyvm0' });
  });

  test.each([
    ['auto', 'windows', 'uefi'],
    ['auto', 'linux', 'bios'],
    ['bios', 'windows', 'bios'],
    ['uefi', 'linux', 'uefi'],
  ] as const)('firmware %s on %s is %s', (wanted, platform, firmware) => {
    expect(firmwareFor(wanted, platform)).toBe(firmware);
  });

  test('every problem is named at once, with the value that was found', () => {
    const message = problemsOf(
      '{"vm": {"cpus": 0, "memoryMiB": "2g"}, "network": {"subnet": "10.0.75.0"}, "tls": {}}',
    );
    expect(message).toContain('4 problems');
    expect(message).toMatch(/vm\.cpus: .*>=1.*\(is 0\)/);
    expect(message).toMatch(/vm\.memoryMiB: .*\(is "2g"\)/);
    expect(message).toMatch(
      /network\.subnet: must be "auto" or an IPv4 network of \/24.*\(is "10\.0\.75\.0"\)/,
    );
    expect(message).toContain('tls: there is no such setting');
  });

  test.each([
    ['memoryMB', 'vm.memoryMiB'],
    ['memory', 'vm.memoryMiB'],
    ['diskGB', 'vm.diskGiB'],
    ['bootTimeoutMs', 'vm.bootTimeoutSeconds'],
  ])('the wrong unit "%s" leads to the right name %s', (wrong, right) => {
    expect(problemsOf(JSON.stringify({ vm: { [wrong]: 4 } }))).toContain(
      `vm.${wrong}: there is no such setting; did you mean ${right}?`,
    );
  });

  test('text that is no JSON is refused with its position', () => {
    expect(problemsOf('{"vm": ')).toMatch(/not valid JSON/);
  });

  test.each(['10.0.75.1/24', '10.0.75.0/16', '300.0.0.0/24', '', 'AUTO'])(
    'the subnet "%s" is refused',
    (subnet) => {
      expect(problemsOf(JSON.stringify({ network: { subnet } }))).toContain('network.subnet');
    },
  );

  test.each(['127.0.0.0/24', '169.254.1.0/24', '224.0.0.0/24', '255.255.255.0/24', '8.8.8.0/24'])(
    'the subnet %s is refused, since it is not for local use',
    (subnet) => {
      expect(problemsOf(JSON.stringify({ network: { subnet } }))).toMatch(
        /a problem:[^]*network\.subnet: must lie in a range for local use/,
      );
    },
  );

  test('a byte order mark in front is ignored', () => {
    expect(parseSettings('\uFEFF{"vm": {"cpus": 3}}', 'settings.json').vm.cpus).toBe(3);
  });

  test.each(['Bridge', '1br', 'a-name-that-is-long', 'a/b'])('the bridge name "%s" is refused', (bridge) => {
    expect(problemsOf(JSON.stringify({ network: { bridge } }))).toContain('network.bridge');
  });
});
