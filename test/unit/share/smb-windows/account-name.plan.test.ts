import { describe, expect, test } from 'vitest';
import {
  accountProblem,
  isSameAccount,
  parseAccountName,
  type LocalAccount,
} from '../../../../src/share/smb-windows/account-name.plan.js';

const ME: LocalAccount = { isEnabled: true, hasPassword: true, source: 'Local', description: '' };

describe("an account's name", () => {
  test.each([
    ['me', 'me', ''],
    ['CORP\\me', 'me', 'CORP'],
    ['corp.example\\me', 'me', 'corp.example'],
    // This computer itself.
    ['.\\me', 'me', ''],
    // Only the first backslash divides, and before any "@".
    ['CORP\\a\\b', 'a\\b', 'CORP'],
    ['CORP\\me@home', 'me@home', 'CORP'],
    ['me@corp.example', 'me', 'corp.example'],
    ['me@', 'me@', ''],
    ['@corp', '@corp', ''],
    ['\\me', 'me', ''],
    ['a b', 'a b', ''],
  ])('%s is the user %s of the domain "%s"', (text, user, domain) => {
    expect(parseAccountName(text)).toEqual({ user, domain });
  });

  test.each([
    ['PC\\me', 'me', true],
    ['PC\\Me', '.\\mE', true],
    ['CORP\\me', 'me@corp.example', true],
    ['PC\\me', 'you', false],
  ])('%s in an access list is that of %s: %s', (listed, wanted, isSame) => {
    expect(isSameAccount(listed, wanted)).toBe(isSame);
  });
});

describe('an account that cannot log in', () => {
  test.each([
    ['AzureAD\\me', undefined, 'Entra ID'],
    ['me@AzureAD', undefined, 'Entra ID'],
    ['me', { ...ME, source: 'AzureAD' }, 'Entra ID'],
    ['me', undefined, 'no local account "me"'],
    ['.\\me', undefined, 'no local account'],
    ['me', { ...ME, isEnabled: false }, 'is disabled'],
    ['me', { ...ME, hasPassword: false }, 'has no password'],
  ])('says why: %s', (text, local, reason) => {
    expect(accountProblem(text, local)).toContain(reason);
  });

  test.each([
    ['me', ME],
    // Only the domain's controller knows these: a wrong name shows at the login.
    ['CORP\\me', undefined],
    ['me@corp.example', undefined],
  ])('is not %s', (text, local) => {
    expect(accountProblem(text, local)).toBeUndefined();
  });
});
