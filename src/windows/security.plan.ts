/** An owner and an access list, as Windows writes them down in SDDL. */
export interface Security {
  /** A SID; undefined if the descriptor has none. */
  readonly owner: string | undefined;
  /** Undefined if everybody may do everything, or the list is of a form that is not understood. */
  readonly entries: readonly AccessEntry[] | undefined;
}

export interface AccessEntry {
  /** `A` allows, `D` denies. */
  readonly type: string;
  readonly sid: string;
  /** What is allowed or denied, as bits; all of them for rights that are not known. */
  readonly mask: number;
  /** The entry itself. */
  readonly text: string;
}

/** The two letters for well-known SIDs: https://learn.microsoft.com/windows/win32/secauthz/sid-strings */
const SIDS: Readonly<Record<string, string>> = {
  SY: 'S-1-5-18',
  BA: 'S-1-5-32-544',
  BU: 'S-1-5-32-545',
  WD: 'S-1-1-0',
  AU: 'S-1-5-11',
  CO: 'S-1-3-0',
  OW: 'S-1-3-4',
};

/** https://learn.microsoft.com/windows/security/identity-protection/access-control/security-identifiers */
const ADMINISTRATIVE: readonly string[] = [
  SIDS['SY'] ?? '',
  SIDS['BA'] ?? '',
  // Whoever owns an object is checked as its owner.
  SIDS['CO'] ?? '',
  SIDS['OW'] ?? '',
  // The built-in administrator, and those of the domain, who administer each computer in it.
  'LA',
  'DA',
  // TrustedInstaller, who owns the system's own folders.
  'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464',
];
/** Virtual machines of Hyper-V, which it gives access to their disks. */
const isVirtualMachine = (sid: string): boolean => sid.startsWith('S-1-5-83-');

/** https://learn.microsoft.com/windows/win32/secauthz/ace-strings */
const RIGHTS: Readonly<Record<string, number>> = {
  GA: 0x1000_0000,
  GR: 0x8000_0000,
  GW: 0x4000_0000,
  GX: 0x2000_0000,
  RC: 0x2_0000,
  SD: 0x1_0000,
  WD: 0x4_0000,
  WO: 0x8_0000,
  FA: 0x1f_01ff,
  FR: 0x12_0089,
  FW: 0x12_0116,
  FX: 0x12_00a0,
  CC: 0x1,
  DC: 0x2,
  LC: 0x4,
  SW: 0x8,
  RP: 0x10,
  WP: 0x20,
  DT: 0x40,
  LO: 0x80,
  CR: 0x100,
};
const ALL_RIGHTS = 0xffff_ffff;
/** FILE_GENERIC_READ and FILE_GENERIC_EXECUTE. */
export const READ_AND_EXECUTE = 0x12_00a9;
const READING = (READ_AND_EXECUTE | (RIGHTS['GR'] ?? 0) | (RIGHTS['GX'] ?? 0)) >>> 0;

/** @param text of the owner and the access list: `O:BAD:P(A;OICI;FA;;;SY)` */
export function securityFrom(text: string): Security {
  const owner = /O:(S-[\d-]+|[A-Z]{2})/.exec(text)?.[1];
  return { owner: owner === undefined ? undefined : sidOf(owner), entries: entriesOf(text) };
}

function entriesOf(text: string): readonly AccessEntry[] | undefined {
  const list = /D:([A-Z]*)((?:\([^()]*\))*)$/.exec(text);
  if (list === null || list[1] === 'NO_ACCESS_CONTROL') return undefined;
  const entries: AccessEntry[] = [];
  for (const [entry, fields = ''] of (list[2] ?? '').matchAll(/\(([^()]*)\)/g)) {
    const [type = '', , rights = '', , , sid = '', ...more] = fields.split(';');
    if (sid === '' || more.length > 0) return undefined;
    entries.push({ type, sid: sidOf(sid), mask: maskOf(rights), text: entry });
  }
  return entries;
}

function sidOf(text: string): string {
  return SIDS[text] ?? text;
}

function maskOf(rights: string): number {
  if (/^0x[\da-f]{1,8}$/i.test(rights)) return Number(rights);
  if (!/^([A-Z]{2})*$/.test(rights)) return ALL_RIGHTS;
  const bits = rights.match(/../g) ?? [];
  return bits.reduce((mask, name) => (mask | (RIGHTS[name] ?? ALL_RIGHTS)) >>> 0, 0);
}

/** Whether it is the system, its administrators, or the user that we run as. */
export function isTrusted(sid: string | undefined, own: string): boolean {
  return sid !== undefined && (sid === own || ADMINISTRATIVE.includes(sid));
}

/** What others than the system, its administrators and we may do. Entries that deny are not counted. */
export function accessOfOthers({ entries }: Security, own: string): 'none' | 'read' | 'more' {
  if (entries === undefined) return 'more';
  const masks = entries
    .filter(({ type, sid }) => type !== 'D' && !isTrusted(sid, own) && !isVirtualMachine(sid))
    .map(({ mask }) => mask);
  if (masks.every((mask) => mask === 0)) return 'none';
  return masks.every((mask) => (mask & ~READING) === 0) ? 'read' : 'more';
}

/**
 * SYSTEM and Administrators fully, Users at most to read; protected, so that nothing is inherited from above.
 * Hyper-V needs the full access that SYSTEM inherits below a virtual machine's folder, and the entries that it adds.
 * @param earlier what a folder has, of which the entries of virtual machines stay
 */
export function folderSecurity(readers: 'none' | 'users', earlier?: Security): string {
  const users = readers === 'users' ? '(A;OICI;0x1200a9;;;BU)' : '';
  const machines = (earlier?.entries ?? []).filter(({ sid }) => isVirtualMachine(sid));
  return `D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)${users}${machines.map(({ text }) => text).join('')}`;
}

/** SYSTEM and Administrators alone. */
export const PRIVATE_FILE = 'D:P(A;;FA;;;SY)(A;;FA;;;BA)';
