import type { Ipv4 } from '../../core/values/index.js';
import { ntHash } from './nt-hash.plan.js';

/** The host's account that stands behind mobyvm's own: it owns nothing and exists on every Debian. */
export const UNIX_ACCOUNT = 'nobody';

/** Folders and files of our smbd; all in the run folder, so that a reboot leaves nothing behind. */
export interface SambaPaths {
  /** Holds all others; private to root. */
  readonly folder: string;
  readonly config: string;
  readonly passwords: string;
  readonly userMap: string;
  /** A symbolic link for each share, named as the share is on the wire. */
  readonly links: string;
  readonly pidFile: string;
  readonly log: string;
}

/** How one share is served. */
export interface ServedShare {
  /** See {@link wireName}. */
  readonly name: string;
  readonly isReadOnly: boolean;
  /** Drives are case-insensitive, as they are on Windows; folders of Linux are not. */
  readonly isCaseSensitive: boolean;
  /** The account that may log in. */
  readonly validUser: string;
  /** Whose rights it has on the host: the owner of the folder. Undefined: those of the account itself. */
  readonly forceUser: string | undefined;
}

export interface SmbConfOptions {
  readonly address: Ipv4;
  readonly port: number;
  /** The only client. */
  readonly vmAddress: Ipv4;
  readonly paths: SambaPaths;
  /** Whether Samba's module for names is installed: names with {@link RESERVED} look the same on both sides. */
  readonly mapsNames: boolean;
  readonly shares: readonly ServedShare[];
}

/**
 * The configuration. Paths of shares are not in it: smb.conf gives `%`, quotes and line ends a meaning and has no
 * escape for them, so that it names mobyvm's symbolic link instead, which smbd resolves when a client connects.
 */
export function smbConf(options: SmbConfOptions): string {
  const { paths, shares } = options;
  return [...globalSection(options), ...shares.flatMap((share) => shareSection(share, paths))]
    .map((line) => `${line}\n`)
    .join('');
}

function globalSection({ address, port, vmAddress, paths, mapsNames }: SmbConfOptions): readonly string[] {
  const inFolder = (name: string): string => `${paths.folder}/${name}`;
  return [
    '# Written by mobyvm; changes are lost.',
    '[global]',
    'server role = standalone server',
    'workgroup = MOBYVM',
    `interfaces = ${address}`,
    'bind interfaces only = yes',
    `smb ports = ${port}`,
    `hosts allow = ${vmAddress}`,
    'server min protocol = SMB3_00',
    'disable netbios = yes',
    'dns proxy = no',
    // The VM needs files alone: no printers, no named pipes, no referrals, no shares made by users.
    'disable spoolss = yes',
    'load printers = no',
    'printcap name = /dev/null',
    'rpc start on demand helpers = no',
    'host msdfs = no',
    'usershare max shares = 0',
    'max smbd processes = 64',
    'enable core files = no',
    // Accounts.
    `passdb backend = smbpasswd:${paths.passwords}`,
    `username map = ${paths.userMap}`,
    'map to guest = never',
    'restrict anonymous = 2',
    // Files of its own.
    `private dir = ${inFolder('private')}`,
    `lock directory = ${inFolder('lock')}`,
    `state directory = ${inFolder('state')}`,
    `cache directory = ${inFolder('cache')}`,
    `pid directory = ${paths.folder}`,
    `ncalrpc dir = ${inFolder('ncalrpc')}`,
    `log file = ${paths.log}`,
    // KiB; one older file is kept beside it.
    'max log size = 1000',
    'log level = 1',
    // Nothing is looked up; Samba complains at each login when there is none.
    'idmap config * : range = 3000000-3999999',
    ...FILE_RULES,
    // Without the module, such names have a short form in the VM, `AXCHNQ~7`.
    ...(mapsNames
      ? ['mangled names = no', 'vfs objects = catia', NAME_MAPPINGS]
      : ['mangled names = illegal']),
  ];
}

/**
 * Characters that SMB has no names with, and what the kernel's client writes for them (SFM_* of
 * https://github.com/torvalds/linux/blob/master/fs/smb/client/cifs_unicode.h).
 */
const RESERVED = [
  ['"', 0xf020],
  ['*', 0xf021],
  [':', 0xf022],
  ['<', 0xf023],
  ['>', 0xf024],
  ['?', 0xf025],
  ['\\', 0xf026],
  ['|', 0xf027],
] as const;
const NAME_MAPPINGS = `catia:mappings = ${RESERVED.map(
  ([char, wire]) => `0x${char.charCodeAt(0).toString(16)}:0x${wire.toString(16)}`,
).join(',')}`;

/** How files behave, the same for every share. */
const FILE_RULES: readonly string[] = [
  // The VM asks for leases of the kernel's kind: what a program of the host changes is seen by the VM at once.
  'kernel oplocks = yes',
  'smb2 leases = no',
  // Locks of the VM hold against programs of the host, and theirs against it.
  'posix locking = yes',
  'strict locking = auto',
  'strict sync = yes',
  // A link is followed inside the share and leads nowhere outside it.
  'follow symlinks = yes',
  'wide links = no',
  'unix extensions = no',
  // No DOS attributes: they would be kept in extended attributes of the user's files, or in their modes.
  'store dos attributes = no',
  'map archive = no',
  'map hidden = no',
  'map system = no',
  'map readonly = no',
  'hide dot files = no',
  'ea support = no',
  'preserve case = yes',
  'create mask = 0755',
  'directory mask = 0755',
  'strict allocate = no',
];

function shareSection(share: ServedShare, paths: SambaPaths): readonly string[] {
  return [
    '',
    `[${share.name}]`,
    `path = ${paths.links}/${share.name}`,
    `read only = ${share.isReadOnly ? 'yes' : 'no'}`,
    `case sensitive = ${share.isCaseSensitive ? 'yes' : 'no'}`,
    `valid users = ${share.validUser}`,
    ...(share.forceUser === undefined ? [] : [`force user = ${share.forceUser}`]),
    'browseable = no',
  ];
}

/** An account of the password file. */
export interface PasswordEntry {
  /** An account of the host. */
  readonly user: string;
  readonly uid: number;
  readonly password: string;
}

/** The password file, smbpasswd(5). It has hashes, never passwords. */
export function passwordFile(entries: readonly PasswordEntry[]): string {
  return entries
    .map(({ user, uid, password }) => {
      const hash = [...ntHash(password)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      return `${user}:${uid}:${'X'.repeat(32)}:${hash.toUpperCase()}:[U          ]:LCT-00000001:\n`;
    })
    .join('');
}

/** The name that the VM logs in with, for mobyvm's own account: smb.conf(5), "username map". */
export function userMapFile(account: string): string {
  return `!${UNIX_ACCOUNT} = ${account}\n`;
}

/** Names that mean one account in smb.conf: no spaces, `%`, `@`, `+` or `&` at the start, no domain. */
export function isPlainUserName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/.test(name);
}

/** Whether a path can be written into smb.conf as it is. */
export function isPlainPath(path: string): boolean {
  return /^\/[A-Za-z0-9_./+:@=,-]*$/.test(path);
}

/** The port in our configuration. */
export function portIn(config: string): number | undefined {
  const [, port] = /^smb ports = (\d+)$/m.exec(config) ?? [];
  return port === undefined ? undefined : Number(port);
}

/** All that is the same for every share; a running smbd takes no change of it. */
export function globalPart(config: string): string {
  return (config.split('\n\n')[0] ?? '').trimEnd();
}

interface Serving {
  readonly files: { readonly config: string; readonly links: Readonly<Record<string, string>> };
  readonly folders: ReadonlyMap<string, string>;
}

/** The shares whose clients must connect again: gone, changed, or now another folder. */
export function removedOrMoved(before: Serving, after: Serving): readonly string[] {
  const sections = (config: string): ReadonlyMap<string, string> =>
    new Map(
      config
        .split('\n\n')
        .slice(1)
        .map((text) => [/^\[(.*)\]$/m.exec(text)?.[1] ?? '', text.trim()]),
    );
  const wanted = sections(after.files.config);
  return [...sections(before.files.config)]
    .filter(([name, text]) => {
      const folder = before.folders.get(name);
      return (
        wanted.get(name) !== text ||
        before.files.links[name] !== after.files.links[name] ||
        (folder !== undefined && folder !== after.folders.get(name))
      );
    })
    .map(([name]) => name);
}
