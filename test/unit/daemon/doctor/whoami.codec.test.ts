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
  ['the integrity of the system', 'S-1-16-16384', true],
  ['medium integrity', 'S-1-16-8192', false],
  ['a level that only begins like it', 'S-1-16-122880', false],
])('a program of %s (%s) is elevated: %s', (_, sid, expected) => {
  expect(isElevated(groups(sid))).toBe(expected);
});

it('nothing is known of a program without a level', () => {
  expect(isElevated(groups())).toBeUndefined();
});

it('reads whatever it is given', () => {
  fc.assert(fc.property(fc.string(), (text) => [true, false, undefined].includes(isElevated(text))));
});
