import { createHash } from 'node:crypto';
import { join, resolve, win32 } from 'node:path';
import { MobyvmError } from '../core/values/index.js';
import { isRelativePath, pathProblem } from './absolute-path.js';
import type { HostPlatform } from './platform.js';

/** Every file and folder that mobyvm uses; docs/files.md describes each. */
export interface InstancePaths {
  /** Survives restarts: identity, ledger, data disk, definition. */
  readonly stateDir: string;
  /** Gone after a reboot: sockets, lock. */
  readonly runDir: string;
  readonly logDir: string;
  readonly settingsFile: string;
  readonly identityFile: string;
  readonly ledgerFile: string;
  /** What the VM's guest was given at its boot, and since when the VM is saved. */
  readonly guestRecordFile: string;
  /** Keys and certificates of the machine; root only. */
  readonly tlsDir: string;
  /** The machine's token; root only. */
  readonly tokenFile: string;
  /** The dashboard's port, and the digest of its token; root only. */
  readonly dashboardFile: string;
  /** Items that were set with `mobyvm kvp set`; root only, since some are secrets. */
  readonly kvpItemsFile: string;
  /** The list of shares. */
  readonly sharesFile: string;
  /** Passwords of the accounts that shares are mounted with; root only. */
  readonly credentialsFile: string;
  readonly imageDir: string;
  /** A copy of the image with which the engine answered last. */
  readonly lastImageDir: string;
  readonly vmStateDir: string;
  readonly vmRunDir: string;
  /** Where the VM's serial console is: QEMU's socket, or the named pipe that Hyper-V serves. */
  readonly vmConsole: string;
  /** A unix socket, or a named pipe. */
  readonly controlSocket: string;
  /** Likewise. */
  readonly engineSocket: string;
  /** Where Docker's clients look that are told nothing; undefined if this instance leaves it alone. */
  readonly usualEngineSocket: string | undefined;
  /** Of the Windows service that the daemon runs in. */
  readonly serviceName: string;
  readonly lockFile: string;
  /** Held by the process that creates a network namespace and starts a daemon in it. */
  readonly startLockFile: string;
  readonly daemonLog: string;
  /** Standard output and standard error of a daemon in the background: empty unless it cannot start or crashes. */
  readonly daemonOutput: string;
  readonly consoleLog: string;
  /** The host's resolver configuration; read only. */
  readonly resolvConf: string;
  /** The host's hosts file; read only. */
  readonly hostsFile: string;
  /** QEMU's output. */
  readonly qemuLog: string;
}

/** The variables that move an instance's files, so that instances live side by side. An empty one counts as not set. */
export const PATH_VARIABLES = {
  stateDir: 'MOBYVM_STATE_DIR',
  runDir: 'MOBYVM_RUN_DIR',
  logDir: 'MOBYVM_LOG_DIR',
  settingsFile: 'MOBYVM_SETTINGS',
} as const;

type Environment = Readonly<Record<string, string | undefined>>;
type MovablePath = keyof typeof PATH_VARIABLES;

/** @throws MobyvmError MOBYVM_SETTINGS when a variable has no path of this platform */
export function instancePaths(platform: HostPlatform, env: Environment): InstancePaths {
  return platform === 'windows' ? windowsPaths(env) : linuxPaths(env);
}

export function linuxPaths(env: Environment): InstancePaths {
  const at = placesOf('linux', env);
  const stateDir = at('stateDir', '/var/lib/mobyvm');
  const runDir = at('runDir', '/run/mobyvm');
  const logDir = at('logDir', '/var/log/mobyvm');
  return {
    stateDir,
    runDir,
    logDir,
    settingsFile: at('settingsFile', '/etc/mobyvm/settings.json'),
    identityFile: join(stateDir, 'machine.json'),
    ledgerFile: join(stateDir, 'ledger.json'),
    guestRecordFile: join(stateDir, 'guest.json'),
    tlsDir: join(stateDir, 'tls'),
    tokenFile: join(stateDir, 'token'),
    dashboardFile: join(stateDir, 'dashboard.json'),
    kvpItemsFile: join(stateDir, 'kvp-items.json'),
    sharesFile: join(stateDir, 'shares.json'),
    credentialsFile: join(stateDir, 'credentials.json'),
    imageDir: join(stateDir, 'image'),
    lastImageDir: join(stateDir, 'last-image'),
    vmStateDir: join(stateDir, 'vm'),
    vmRunDir: join(runDir, 'vm'),
    vmConsole: join(runDir, 'vm', 'console.sock'),
    controlSocket: join(runDir, 'control.sock'),
    engineSocket: join(runDir, 'docker.sock'),
    usualEngineSocket: undefined,
    serviceName: 'mobyvm',
    lockFile: join(runDir, 'daemon.lock'),
    startLockFile: join(runDir, 'start.lock'),
    daemonLog: join(logDir, 'daemon.log'),
    daemonOutput: join(logDir, 'daemon.out'),
    consoleLog: join(logDir, 'console.log'),
    resolvConf: '/etc/resolv.conf',
    hostsFile: '/etc/hosts',
    qemuLog: join(logDir, 'qemu.log'),
  };
}

/**
 * On Windows below `%ProgramData%\\mobyvm`; the same variables move them. Endpoints are named pipes, which have
 * no folder: an instance with a run folder of its own has names of its own.
 */
export function windowsPaths(env: Environment): InstancePaths {
  const joined = (...parts: readonly string[]): string => win32.join(...parts);
  const home = joined(env['ProgramData'] ?? 'C:\\ProgramData', 'mobyvm');
  const at = placesOf('windows', env);
  const stateDir = at('stateDir', joined(home, 'state'));
  const usualRunDir = joined(home, 'run');
  const runDir = at('runDir', usualRunDir);
  const pipe = (name: string): string => pipeName(name, runDir, usualRunDir);
  const logDir = at('logDir', joined(home, 'logs'));
  return {
    stateDir,
    runDir,
    logDir,
    settingsFile: at('settingsFile', joined(home, 'settings.json')),
    identityFile: joined(stateDir, 'machine.json'),
    ledgerFile: joined(stateDir, 'ledger.json'),
    guestRecordFile: joined(stateDir, 'guest.json'),
    tlsDir: joined(stateDir, 'tls'),
    tokenFile: joined(stateDir, 'token'),
    dashboardFile: joined(stateDir, 'dashboard.json'),
    kvpItemsFile: joined(stateDir, 'kvp-items.json'),
    sharesFile: joined(stateDir, 'shares.json'),
    credentialsFile: joined(stateDir, 'credentials.json'),
    imageDir: joined(stateDir, 'image'),
    lastImageDir: joined(stateDir, 'last-image'),
    vmStateDir: joined(stateDir, 'vm'),
    vmRunDir: joined(runDir, 'vm'),
    vmConsole: pipe('console'),
    controlSocket: pipe('control'),
    engineSocket: pipe('engine'),
    usualEngineSocket: isSamePath(runDir, usualRunDir) ? DOCKER_PIPE : undefined,
    serviceName: `mobyvm${instanceSuffix(runDir, usualRunDir)}`,
    lockFile: joined(runDir, 'daemon.lock'),
    startLockFile: joined(runDir, 'start.lock'),
    daemonLog: joined(logDir, 'daemon.log'),
    daemonOutput: joined(logDir, 'daemon.out'),
    consoleLog: joined(logDir, 'console.log'),
    resolvConf: '',
    hostsFile: joined(env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'drivers', 'etc', 'hosts'),
    qemuLog: joined(logDir, 'qemu.log'),
  };
}

/** https://docs.docker.com/reference/cli/dockerd/#daemon-socket-option */
const DOCKER_PIPE = '\\\\.\\pipe\\docker_engine';

/** For example `\\.\pipe\mobyvm_engine`; another run folder adds its hash. Windows ignores the case of both. */
function pipeName(name: string, runDir: string, usualRunDir: string): string {
  return `\\\\.\\pipe\\mobyvm_${name}${instanceSuffix(runDir, usualRunDir)}`;
}

function isSamePath(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function instanceSuffix(runDir: string, usualRunDir: string): string {
  if (isSamePath(runDir, usualRunDir)) return '';
  return `_${createHash('sha256').update(runDir.toLowerCase()).digest('hex').slice(0, 12)}`;
}

/** Absolute: the daemon's working directory may be another than the command's. */
function placesOf(platform: HostPlatform, env: Environment): (place: MovablePath, usual: string) => string {
  const absolute = (path: string): string => (platform === 'windows' ? win32.resolve(path) : resolve(path));
  const root = platform === 'windows' ? 'C:\\' : '/';
  return (place, usual) => {
    const path = movedTo(place, env);
    if (path === undefined) return absolute(usual);
    // Settings may be on a share: they are neither locked nor secret.
    const demands = { isLocal: place !== 'settingsFile' };
    const problem = pathProblem(isRelativePath(path) ? `${root}${path}` : path, platform, demands);
    if (problem !== undefined) throw variableError(place, path, problem);
    return absolute(path);
  };
}

function variableError(place: MovablePath, path: string, problem: string): MobyvmError {
  const variable = PATH_VARIABLES[place];
  return new MobyvmError(
    'MOBYVM_SETTINGS',
    `${variable} ${problem} (is ${JSON.stringify(path)}).`,
    `Set ${variable} to another path, or unset it to use the default.`,
    { details: { variable, path } },
  );
}

/** Where the variable moves it, or undefined if the variable is not set. */
export function movedTo(place: MovablePath, env: Environment): string | undefined {
  const path = env[PATH_VARIABLES[place]];
  return path === '' ? undefined : path;
}

/** A log file, and where its earlier content goes when it is full, the latest first. */
export interface LogFiles {
  readonly path: string;
  readonly earlier: readonly string[];
}

export function daemonLogFiles({ daemonLog }: Pick<InstancePaths, 'daemonLog'>): LogFiles {
  const bare = daemonLog.replace(/\.log$/, '');
  return { path: daemonLog, earlier: [`${bare}1.log`, `${bare}2.log`] };
}

export function consoleLogFiles({ consoleLog }: Pick<InstancePaths, 'consoleLog'>): LogFiles {
  return { path: consoleLog, earlier: [`${consoleLog}.1`] };
}
