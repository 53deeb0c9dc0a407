import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseIpv4 } from '../../../../src/core/values/index.js';
import {
  globalPart,
  passwordFile,
  portIn,
  removedOrMoved,
  smbConf,
  type ServedShare,
} from '../../../../src/share/samba/smb-conf.plan.js';
import { sambaPaths } from '../../../../src/share/samba/samba-paths.js';
import { wireName } from '../../../../src/share/wire-name.plan.js';

const paths = sambaPaths('/run/mobyvm', '/var/log/mobyvm');
const share: ServedShare = {
  name: 'C',
  isReadOnly: false,
  isCaseSensitive: false,
  validUser: 'nobody',
  forceUser: 'me',
};
const conf = (shares: readonly ServedShare[], port = 445): string =>
  smbConf({
    address: parseIpv4('10.0.75.1'),
    vmAddress: parseIpv4('10.0.75.2'),
    mapsNames: true,
    port,
    paths,
    shares,
  });

test('Samba listens on one address and serves one client', () => {
  const lines = conf([share]).split('\n');
  expect(lines).toContain('interfaces = 10.0.75.1');
  expect(lines).toContain('bind interfaces only = yes');
  expect(lines).toContain('hosts allow = 10.0.75.2');
  expect(lines).toContain('server min protocol = SMB3_00');
  expect(lines).toContain('wide links = no');
  expect(lines).toContain('map to guest = never');
});

test('the port and the global part can be read back, whatever is shared', () => {
  expect(portIn(conf([share], 2372))).toBe(2372);
  expect(globalPart(conf([share]))).toBe(globalPart(conf([])));
  expect(globalPart(conf([], 2372))).not.toBe(globalPart(conf([])));
});

test('only shares that are gone, changed or another folder are cut', () => {
  const serving = (shares: readonly ServedShare[], folder = '1:1', path = '/c') => ({
    files: { config: conf(shares), links: Object.fromEntries(shares.map(({ name }) => [name, path])) },
    folders: new Map(shares.map(({ name }) => [name, folder])),
  });
  const other = { ...share, name: 'D' };
  expect(removedOrMoved(serving([share]), serving([share, other]))).toEqual([]);
  expect(removedOrMoved(serving([share, other]), serving([share]))).toEqual(['D']);
  expect(removedOrMoved(serving([share]), serving([{ ...share, isReadOnly: true }]))).toEqual(['C']);
  expect(removedOrMoved(serving([share]), serving([share], '1:2'))).toEqual(['C']);
  expect(removedOrMoved(serving([share]), serving([share], '1:1', '/d'))).toEqual(['C']);
});

test('the password file has no password', () => {
  const text = passwordFile([{ user: 'nobody', uid: 65_534, password: 'Planted-Secret' }]);
  expect(text).not.toContain('Planted-Secret');
  expect(text).toMatch(/^nobody:65534:X{32}:[0-9A-F]{32}:\[U {10}\]:LCT-[0-9A-F]{8}:\n$/);
});

test('a run folder that Samba cannot use is refused', () => {
  for (const folder of ['/run/%U', '/run/a b', '/run/"', `/run/${'x'.repeat(90)}`]) {
    expect(() => sambaPaths(folder, '/var/log/mobyvm')).toThrow(
      expect.objectContaining({ code: 'MOBYVM_SHARE_SERVER' }) as Error,
    );
  }
});

test('different ids have names that differ in more than case', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
  fc.assert(
    fc.property(id, id, (a, b) => {
      expect(wireName(a).toLowerCase() === wireName(b).toLowerCase()).toBe(a === b);
      expect(wireName(a).length).toBeLessThanOrEqual(80);
    }),
    { numRuns: 5_000 },
  );
  expect(wireName('A'.repeat(64)).length).toBeLessThanOrEqual(80);
  expect([wireName('C'), wireName('home-me')]).toEqual(['C', 'home-me']);
});
