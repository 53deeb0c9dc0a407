import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isElevated } from '../../../../src/daemon/doctor/whoami.codec.js';

const line = (name: string, sid: string): string =>
  `${name}   Bezeichnung   ${sid}   Verbindliche Gruppe\r\n`;
const groups = (...levels: readonly string[]): string =>
  [line('VORDEFINIERT\\Administratoren', 'S-1-5-32-544'), ...levels.map((sid) => line('Stufe', sid))].join(
    '',
  );

it.each([
  ['high integrity', 'S-1-16-12288', true],
  ['system integrity', 'S-1-16-16384', true],
  ['medium integrity', 'S-1-16-8192', false],
  ['a level with the same prefix', 'S-1-16-122880', false],
])('a process of %s (%s) is elevated: %s', (_, sid, expected) => {
  expect(isElevated(groups(sid))).toBe(expected);
});

it('a process without an integrity level is unknown', () => {
  expect(isElevated(groups())).toBeUndefined();
});

it('reads arbitrary text', () => {
  fc.assert(fc.property(fc.string(), (text) => [true, false, undefined].includes(isElevated(text))));
});
