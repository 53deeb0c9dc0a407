import { describe, expect, test } from 'vitest';
import {
  accessOfOthers,
  folderSecurity,
  isTrusted,
  PRIVATE_FILE,
  securityFrom,
} from '../../../src/windows/security.plan.js';

const ALICE = 'S-1-5-21-1-2-3-1001';
const MACHINE = 'S-1-5-83-1-1475892345-1111-2222-3333';
const others = (list: string): string => accessOfOthers(securityFrom(list), ALICE);

describe('the security of a file', () => {
  test('names its owner by the full SID', () => {
    expect(securityFrom('O:BAG:SYD:P(A;;FA;;;SY)').owner).toBe('S-1-5-32-544');
    expect(securityFrom(`O:${ALICE}D:`).owner).toBe(ALICE);
    expect(securityFrom('D:').owner).toBeUndefined();
  });

  test.each([
    ['what mobyvm creates', folderSecurity('none'), 'none'],
    ['a private file', PRIVATE_FILE, 'none'],
    ['what mobyvm creates for its users', folderSecurity('users'), 'read'],
    ['our own access', `D:(A;OICI;FA;;;${ALICE})`, 'none'],
    ['another user', 'D:(A;;FR;;;S-1-5-21-1-2-3-1002)', 'read'],
    ['a virtual machine', `D:(A;;0x12019f;;;${MACHINE})`, 'none'],
    ['what is inherited from ProgramData', 'D:AI(A;OICIID;FA;;;SY)(A;OICIID;0x1200a9;;;BU)', 'read'],
    ['creating files in it', 'D:AI(A;OICIID;FA;;;SY)(A;CIID;DCLCRPCR;;;BU)', 'more'],
    ['everybody', 'D:(A;;FA;;;WD)', 'more'],
    ['an entry without rights', 'D:(A;;;;;WD)', 'none'],
    ['an entry that denies', 'D:(D;;FA;;;BU)(A;;FA;;;SY)', 'none'],
    ['no list at all', 'D:NO_ACCESS_CONTROL', 'more'],
    ['no list in the text', 'O:BA', 'more'],
    ['an empty list', 'D:P', 'none'],
    ['rights that are not known', 'D:(A;;ZZ;;;WD)', 'more'],
    ['a conditional entry', 'D:(XA;;FR;;;WD;(@User.Title=="PM"))', 'more'],
    ['generic rights', 'D:(A;;GRGX;;;WD)', 'read'],
    ['generic writing', 'D:(A;;GRGW;;;WD)', 'more'],
  ])('counts %s', (_what, list, expected) => {
    expect(others(list)).toBe(expected);
  });

  test.each(['S-1-5-18', 'S-1-5-32-544', ALICE])('trusts %s', (sid) => {
    expect(isTrusted(sid, ALICE)).toBe(true);
  });

  test.each([undefined, 'S-1-5-32-545', 'S-1-1-0', 'S-1-5-21-1-2-3-1002', MACHINE])(
    'does not trust %s',
    (sid) => {
      expect(isTrusted(sid, ALICE)).toBe(false);
    },
  );

  test('keeps the entries of virtual machines when the others are replaced', () => {
    const earlier = securityFrom(
      `D:(A;OICI;FA;;;WD)(A;OICI;0x1f01ff;;;S-1-5-83-0)(A;;0x12019f;;;${MACHINE})`,
    );
    expect(folderSecurity('none', earlier)).toBe(
      `D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1f01ff;;;S-1-5-83-0)(A;;0x12019f;;;${MACHINE})`,
    );
  });
});
