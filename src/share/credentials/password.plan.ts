/** Windows' limit for local accounts, in UTF-16 units: https://learn.microsoft.com/windows/win32/api/lmaccess/ns-lmaccess-user_info_1. */
export const MAX_PASSWORD_UNITS = 127;
/**
 * The VM's kernel takes no more of a password for its NT hash, in UTF-8, and would send the hash of what it took: E_md4hash in
 * https://github.com/torvalds/linux/blob/v6.12/fs/smb/client/smbencrypt.c.
 */
export const MAX_PASSWORD_BYTES = 128;

/** Why a password cannot be used for a share, as a sentence; undefined if it can. */
export function passwordProblem(password: string): string | undefined {
  if (password === '') return 'The password is empty, and SMB servers refuse accounts without one.';
  if (password.includes('\0')) return 'The password contains a NUL character, which SMB cannot carry.';
  if (/[\r\n]/.test(password)) return 'The password contains a line break, which mount.cifs cannot carry.';
  if (password.length > MAX_PASSWORD_UNITS) {
    return `The password has ${password.length} characters; Windows allows ${MAX_PASSWORD_UNITS}.`;
  }
  if (!isWellFormed(password)) return 'The password contains half of a character (an unpaired surrogate).';
  const bytes = new TextEncoder().encode(password).length;
  if (bytes > MAX_PASSWORD_BYTES) {
    return `The password has ${bytes} bytes in UTF-8; the VM's kernel takes ${MAX_PASSWORD_BYTES}. Characters beyond ASCII have 2 to 4 each.`;
  }
  return undefined;
}

const LOWER = 'abcdefghijkmnopqrstuvwxyz';
const UPPER = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
const DIGITS = '23456789';
const ALL = LOWER + UPPER + DIGITS;
const GENERATED_LENGTH = 32;
/** One random byte for each character. */
export const GENERATED_BYTES = GENERATED_LENGTH * 2;

/**
 * A password from random bytes: 32 letters and digits, about 185 bits. It has what Windows' complexity rules ask
 * for, three of lower case, upper case, digits and others, and nothing of the account's name:
 * https://learn.microsoft.com/windows/security/threat-protection/security-policy-settings/password-must-meet-complexity-requirements.
 * @param random bytes of a generator fit for keys, {@link GENERATED_BYTES} at a time
 */
export function passwordFrom(random: () => Uint8Array): string {
  for (;;) {
    // Bytes beyond the largest multiple of the alphabet's length would make some letters likelier.
    const usable = [...random()].filter((byte) => byte < ALL.length * Math.floor(256 / ALL.length));
    const password = usable
      .slice(0, GENERATED_LENGTH)
      .map((byte) => ALL[byte % ALL.length])
      .join('');
    const isComplex = [LOWER, UPPER, DIGITS].every((set) =>
      Array.from(set).some((each) => password.includes(each)),
    );
    if (password.length === GENERATED_LENGTH && isComplex) return password;
  }
}

function isWellFormed(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}
