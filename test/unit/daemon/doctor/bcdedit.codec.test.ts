import fc from 'fast-check';
import { expect, it } from 'vitest';
import { launchTypeOf } from '../../../../src/daemon/doctor/bcdedit.codec.js';

const PRINTED = [
  'Windows-Startladeprogramm',
  '-------------------------',
  'Bezeichner              {current}',
  'description             Windows 11',
  'hypervisorlaunchtype    Auto',
  '',
].join('\r\n');

it('reads the launch type, whatever the language of the headings', () => {
  expect(launchTypeOf(PRINTED)).toBe('Auto');
  expect(launchTypeOf(PRINTED.replace('Auto', 'Off'))).toBe('Off');
});

it('is empty if the entry has no launch type', () => {
  expect(launchTypeOf(PRINTED.replace('hypervisorlaunchtype', 'something'))).toBe('');
  expect(launchTypeOf('')).toBe('');
});

it('reads arbitrary text', () => {
  fc.assert(fc.property(fc.string(), (text) => typeof launchTypeOf(text) === 'string'));
});
