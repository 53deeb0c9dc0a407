import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const textOf = (folder: string): string =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(join(folder, name)))
    .join('\n');
/** Without what a template puts in, and without the marks of the language. */
const plain = (text: string): string => text.replaceAll(/\$\{[^}]*\}/g, '…').replaceAll(/\\(['"`])/g, '$1');

const rows = read('docs/faults.md')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(2)
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, fault = '', shows = '', says = '', evidence = '']) => ({ fault, shows, says, evidence }));
const quotedIn = (cell: string): readonly string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);

/** The test that makes each fault and reads what doctor says first. */
const MADE_BY: Readonly<Record<string, string>> = {
  'the file server (smbd) is dead': 'test/vm/twenty-faults.test.ts',
  'port 53 is taken': 'test/integration/doctor-faults.test.ts',
  'bridge or switch is removed': 'test/integration/doctor-faults.test.ts',
  'the NAT rule is removed': 'test/integration/doctor-faults.test.ts',
  'the rules are flushed': 'test/integration/doctor-faults.test.ts',
  'forwarding is off': 'test/integration/doctor-faults.test.ts',
  'QEMU is stopped': 'test/vm/twenty-faults.test.ts',
  "the VM's data disk is full": 'test/vm/twenty-faults.test.ts',
  'dockerd is dead in the guest': 'test/vm/guest-faults.test.ts',
  'the upstream DNS servers are dead': 'test/vm/twenty-faults.test.ts',
  'the password of a share is wrong': 'test/unit/daemon/doctor/machine-findings.test.ts',
  'the guest has another token': 'test/vm/guest-faults.test.ts',
  "the VM's clock is off": 'test/vm/guest-faults.test.ts',
  'the boot image (ISO) is corrupt': 'test/integration/doctor-faults.test.ts',
  'a state file is corrupt': 'test/integration/doctor-faults.test.ts',
  'the control socket is stale': 'test/unit/cli/doctor.test.ts',
  'hv_kvp_daemon is dead in the guest': 'test/vm/guest-faults.test.ts',
  'a certificate has expired': 'test/unit/daemon/doctor/machine-findings.test.ts',
  'a foreign twin of the VM': 'test/contract/doctor-windows.test.ts',
  'a VPN has a route over the subnet': 'test/integration/doctor-faults.test.ts',
};

test('the page has twenty faults, and each is made by a test', () => {
  expect(rows).toHaveLength(20);
  expect(rows.map(({ fault }) => fault).sort()).toEqual(Object.keys(MADE_BY).sort());
  for (const path of Object.values(MADE_BY)) expect(existsSync(join(root, path)), path).toBe(true);
});

const code = plain(
  ['core', 'daemon', 'vm', 'share', 'cli'].map((folder) => textOf(`src/${folder}`)).join('\n'),
);

test.each(rows)('what doctor says of "$fault" is what the code says', ({ says }) => {
  for (const quoted of quotedIn(says))
    for (const part of quoted.split('…').map((each) => each.trim()))
      expect(code.includes(part), `${quoted}: ${part}`).toBe(true);
});

test.each(rows)('the evidence of "$fault" is collected by diagnose', ({ evidence }) => {
  const probes = textOf('src/daemon/diagnose') + read('src/protocol/diagnosis-questions.ts');
  expect(quotedIn(evidence)).not.toEqual([]);
  for (const id of quotedIn(evidence))
    // The three pools have ids that are put together.
    expect(probes.includes(`'${id}'`) || id.startsWith('kvp-'), id).toBe(true);
});
