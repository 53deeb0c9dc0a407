import { describe, expect, test } from 'vitest';
import { MobyvmError, parseSubnet } from '../../../src/core/values/index.js';
import { refuseEngineOverlap } from '../../../src/daemon/settings/engine-networks.plan.js';
import { firmwareFor } from '../../../src/daemon/settings/firmware.plan.js';
import { parseServer } from '../../../src/daemon/settings/dns-server-address.plan.js';
import { parseSettings } from '../../../src/daemon/settings/load.js';

function problemsOf(text: string, platform: 'linux' | 'windows' = 'linux'): string {
  try {
    parseSettings(text, '/etc/mobyvm/settings.json', platform);
  } catch (error) {
    if (error instanceof MobyvmError && error.code === 'MOBYVM_SETTINGS') return error.message;
    throw error;
  }
  throw new TypeError('the settings were accepted');
}

describe('settings', () => {
  test('an empty file means all defaults', () => {
    const settings = parseSettings('{}', 'settings.json', 'linux');
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

  test('all problems are reported at once, with the values found', () => {
    const message = problemsOf(
      '{"vm": {"cpus": 0, "memoryMiB": "2g"}, "network": {"subnet": "10.0.75.0"}, "tls": {}}',
    );
    expect(message).toContain('4 problems');
    expect(message).toMatch(/vm\.cpus: must be at least 1 \(is 0\)/);
    expect(message).toMatch(/vm\.memoryMiB: must be a whole number of MiB, .*\(is "2g"\)/);
    expect(message).toMatch(/network\.subnet: must be "auto" or an IPv4 \/24 network.*\(is "10\.0\.75\.0"\)/);
    expect(message).toContain('tls: unknown setting');
  });

  test.each([
    ['memoryMB', 'vm.memoryMiB'],
    ['memory', 'vm.memoryMiB'],
    ['diskGB', 'vm.diskGiB'],
    ['bootTimeoutMs', 'vm.bootTimeoutSeconds'],
  ])('the wrong unit "%s" suggests the right name %s', (wrong, right) => {
    expect(problemsOf(JSON.stringify({ vm: { [wrong]: 4 } }))).toContain(
      `vm.${wrong}: unknown setting; did you mean ${right}?`,
    );
  });

  test.each([
    [
      { vm: { memoryMiB: '2GB' } },
      'vm.memoryMiB: must be a whole number of MiB, without quotes and without a unit',
    ],
    [{ vm: { memoryMiB: 1024.5 } }, 'vm.memoryMiB: must be a whole number of MiB'],
    [{ vm: { memoryMiB: 1025 } }, 'vm.memoryMiB: must be a multiple of 2 (is 1025)'],
    [{ vm: { swapMiB: 4096 } }, 'vm.swapMiB: must be at most vm.memoryMiB'],
    [{ vm: { diskGiB: null } }, 'vm.diskGiB: must be a whole number of GiB'],
    [{ vm: { bootTimeoutSeconds: 4000 } }, 'vm.bootTimeoutSeconds: must be at most 3600 (is 4000)'],
    [{ vm: { firmware: 'efi' } }, 'vm.firmware: must be "auto" or "bios" or "uefi" (is "efi")'],
    [{ vm: [] }, 'vm: must be an object'],
    [{ network: { bridge: 4 } }, 'network.bridge: must be text (is 4)'],
    [{ network: { bridge: 'a-very-long-name' } }, 'network.bridge: must have at most 12 characters'],
    [{ network: { dnsServers: '1.1.1.1' } }, 'network.dnsServers: must be a list'],
    [
      { network: { dnsServers: Array(9).fill('1.1.1.1') } },
      'network.dnsServers: must have at most 8 entries',
    ],
    [{ network: { dnsServers: ['dns.example'] } }, 'network.dnsServers.0: must be an IPv4 or IPv6 address'],
    [{ network: { dnsServers: ['192.0.2.1:0'] } }, 'network.dnsServers.0: must be an IPv4 or IPv6 address'],
    [
      { network: { dnsDomains: { 'a..b': ['192.0.2.1'] } } },
      'network.dnsDomains.a..b: must be a domain name',
    ],
    [
      { network: { dnsDomains: { 'x.docker.internal': ['192.0.2.1'] } } },
      'network.dnsDomains.x.docker.internal: must not be in localhost, mobyvm.internal, docker.internal',
    ],
    [
      { network: { dnsDomains: { 'corp.example': [] } } },
      'network.dnsDomains.corp.example: must have at least 1',
    ],
    [{ network: { dnsDomains: { 'corp.example': '192.0.2.1' } } }, 'corp.example: must be a list'],
    [{ dns: { hosts: { 'db.test': 'web.test' } } }, 'dns.hosts.db.test: must be an IPv4 or IPv6 address'],
    [{ dns: { hosts: { 'db.test': [] } } }, 'dns.hosts.db.test: must have at least 1'],
    [{ dns: { hosts: { '*.test': '192.0.2.1' } } }, 'dns.hosts.*.test: must be a host name such as db.test'],
    [{ dns: { hosts: { localhost: '192.0.2.1' } } }, 'dns.hosts.localhost: must not be localhost'],
    [{ dns: { useHostsFile: 'no' } }, 'dns.useHostsFile: must be true or false'],
    [{ api: { showHostPaths: 'yes' } }, 'api.showHostPaths: must be true or false (is "yes")'],
  ])('%j is rejected: %s', (settings, words) => {
    expect(problemsOf(JSON.stringify(settings))).toContain(words);
  });

  test.each([
    ['linux', '/srv/image'],
    ['windows', 'C:\\image'],
    ['windows', 'd:/image'],
    ['windows', '\\\\server\\share\\image'],
  ] as const)('image.directory on %s may be %s', (platform, directory) => {
    const text = JSON.stringify({ image: { directory } });
    expect(parseSettings(text, 'settings.json', platform).image.directory).toBe(directory);
  });

  test.each([
    ['linux', 'C:\\image', 'not a Windows path'],
    ['linux', 'image', 'must be an absolute path, such as /srv/mobyvm (is "image")'],
    ['linux', '', 'must be an absolute path'],
    ['linux', '/a\0b', 'NUL'],
    ['windows', '/srv/image', 'must be an absolute path with a drive, such as C:\\mobyvm (is "/srv/image")'],
    ['windows', '\\image', 'with a drive'],
    ['windows', 'C:image', 'with a drive'],
    ['windows', 'image', 'with a drive'],
    ['windows', '\\\\server', 'a server and a share'],
    ['windows', '\\\\?\\C:\\image', 'an ordinary path'],
    ['windows', 'C:\\im|age', 'must not contain "|"'],
  ] as const)('image.directory on %s may not be "%s": %s', (platform, directory, words) => {
    expect(problemsOf(JSON.stringify({ image: { directory } }), platform)).toContain(words);
  });

  test.each([53, 2372, 2373, 2374])(
    "mobyvm's own port %i cannot lead to the host's loopback address",
    (port) => {
      const message = problemsOf(JSON.stringify({ network: { hostLoopbackPorts: [8080, port] } }));
      expect(message).toContain('network.hostLoopbackPorts.1: is a port of mobyvm itself');
    },
  );

  test('a wrong path is reported beside the other problems', () => {
    const text = JSON.stringify({ image: { directory: 'image' }, vm: { cpus: 0 } });
    expect(problemsOf(text)).toMatch(/2 problems:[^]*vm\.cpus[^]*image\.directory/);
  });

  test('names and domains are normalized, and servers may have ports', () => {
    const { network, dns } = parseSettings(
      JSON.stringify({
        network: {
          dnsServers: ['2001:db8::1', '[fe80::1%eth0]:5353'],
          dnsDomains: { 'Corp.Example.': ['192.0.2.1:5353'], local: ['192.0.2.2'] },
        },
        dns: { hosts: { 'DB.test.': ['192.0.2.7', '2001:db8::7'], db: '192.0.2.7' } },
      }),
      'settings.json',
      'linux',
    );
    expect(network.dnsDomains).toEqual({ 'corp.example': ['192.0.2.1:5353'], local: ['192.0.2.2'] });
    expect(dns.hosts).toEqual({ 'db.test': ['192.0.2.7', '2001:db8::7'], db: '192.0.2.7' });
    expect(dns.useHostsFile).toBe(true);
    expect([...network.dnsServers, '192.0.2.1:5353', '192.0.2.1'].map(parseServer)).toEqual([
      { address: '2001:db8::1', port: 53 },
      { address: 'fe80::1%eth0', port: 5353 },
      { address: '192.0.2.1', port: 5353 },
      { address: '192.0.2.1', port: 53 },
    ]);
  });

  test('invalid JSON is rejected with its position', () => {
    expect(problemsOf('{"vm": ')).toMatch(/not valid JSON/);
  });

  test.each(['10.0.75.1/24', '10.0.75.0/16', '300.0.0.0/24', '', 'AUTO'])(
    'the subnet "%s" is rejected',
    (subnet) => {
      expect(problemsOf(JSON.stringify({ network: { subnet } }))).toContain('network.subnet');
    },
  );

  test.each(['127.0.0.0/24', '169.254.1.0/24', '224.0.0.0/24', '255.255.255.0/24', '8.8.8.0/24'])(
    'the subnet %s is rejected because it is not for local use',
    (subnet) => {
      expect(problemsOf(JSON.stringify({ network: { subnet } }))).toMatch(
        /a problem:[^]*network\.subnet: must be in a range for local use/,
      );
    },
  );

  test.each(['Bridge', '1br', 'a-name-that-is-long', 'a/b'])('the bridge name "%s" is rejected', (bridge) => {
    expect(problemsOf(JSON.stringify({ network: { bridge } }))).toContain('network.bridge');
  });
});

describe('settings of the engine', () => {
  const problemsWith = (daemonJson: object): string => problemsOf(JSON.stringify({ engine: { daemonJson } }));

  test.each([
    [{ nope: 1 }, 'engine.daemonJson.nope: is not a setting of the Docker Engine (is 1)'],
    [
      { 'log-opt': {} },
      'engine.daemonJson.log-opt: is not a setting of the Docker Engine; did you mean log-opts?',
    ],
    [
      { registryMirrors: [] },
      'engine.daemonJson.registryMirrors: is not a setting of the Docker Engine; did you mean registry-mirrors?',
    ],
    [
      { 'userland-proxy': false },
      'engine.daemonJson.userland-proxy: must not be false: published ports need it',
    ],
    [{ iptables: false }, 'engine.daemonJson.iptables: must not be false'],
    [{ 'ip-forward': false }, 'engine.daemonJson.ip-forward: must not be false'],
    [{ 'data-root': '/x' }, 'engine.daemonJson.data-root: must not be set: mobyvm sets it in the guest'],
    [{ 'userland-proxy-path': '/x' }, 'engine.daemonJson.userland-proxy-path: must not be set'],
    [{ hosts: [] }, 'engine.daemonJson.hosts: must not be set'],
  ])('%j: %s', (daemonJson, problem) => {
    expect(problemsWith(daemonJson)).toContain(problem);
  });

  test('that the engine knows are accepted', () => {
    const daemonJson = {
      'userland-proxy': true,
      bip: '172.20.0.1/16',
      'log-driver': 'local',
      'default-address-pools': [{ base: '10.99.0.0/16', size: 24 }],
      'host-gateway-ip': '192.0.2.1',
    };
    const settings = parseSettings(JSON.stringify({ engine: { daemonJson } }), 'settings.json', 'linux');
    expect(settings.engine.daemonJson).toEqual(daemonJson);
  });

  test.each([
    [{ bip: '10.0.75.1/24' }, 'engine.daemonJson.bip is 10.0.75.1/24, which overlaps 10.0.75.0/24'],
    [{ bip: '10.0.0.1/8' }, 'engine.daemonJson.bip is 10.0.0.1/8'],
    [{ 'fixed-cidr': '10.0.75.128/25' }, 'engine.daemonJson.fixed-cidr is 10.0.75.128/25'],
    [
      { 'default-address-pools': [{ base: '10.0.0.0/16', size: 24 }] },
      'engine.daemonJson.default-address-pools is 10.0.0.0/16',
    ],
  ])('must not have a network that overlaps the one between host and VM: %j', (daemonJson, problem) => {
    const { engine } = parseSettings(JSON.stringify({ engine: { daemonJson } }), 'settings.json', 'linux');
    expect(() => refuseEngineOverlap({ engine }, parseSubnet('10.0.75.0/24'))).toThrow(problem);
    expect(() => refuseEngineOverlap({ engine }, parseSubnet('192.168.65.0/24'))).not.toThrow();
  });

  test.each([{ bip: 'nonsense' }, { bip: 7 }, { 'default-address-pools': 'x' }, { bip: 'fd00::1/64' }])(
    'in a form that only the engine can judge are left to it: %j',
    (daemonJson) => {
      const { engine } = parseSettings(JSON.stringify({ engine: { daemonJson } }), 'settings.json', 'linux');
      expect(() => refuseEngineOverlap({ engine }, parseSubnet('10.0.75.0/24'))).not.toThrow();
    },
  );
});
