import { join, resolve, win32 } from 'node:path';

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
  /** Keys and certificates of the machine; root only. */
  readonly tlsDir: string;
  /** The machine's token; root only. */
  readonly tokenFile: string;
  /** Items that were set with `mobyvm kvp set`; root only, since some are secrets. */
  readonly kvpItemsFile: string;
  readonly imageDir: string;
  readonly vmStateDir: string;
  readonly vmRunDir: string;
  readonly controlSocket: string;
  readonly engineSocket: string;
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

export function linuxPaths(env: Environment): InstancePaths {
  // Absolute: the daemon's working directory may be another than the command's.
  const at = (place: MovablePath, usual: string): string => resolve(movedTo(place, env) ?? usual);
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
    tlsDir: join(stateDir, 'tls'),
    tokenFile: join(stateDir, 'token'),
    kvpItemsFile: join(stateDir, 'kvp-items.json'),
    imageDir: join(stateDir, 'image'),
    vmStateDir: join(stateDir, 'vm'),
    vmRunDir: join(runDir, 'vm'),
    controlSocket: join(runDir, 'control.sock'),
    engineSocket: join(runDir, 'docker.sock'),
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

/** On Windows below `%ProgramData%\\mobyvm`; the same variables move them. Endpoints are named pipes. */
export function windowsPaths(env: Environment): InstancePaths {
  const joined = (...parts: readonly string[]): string => win32.join(...parts);
  const home = joined(env['ProgramData'] ?? 'C:\\ProgramData', 'mobyvm');
  const at = (place: MovablePath, usual: string): string => win32.resolve(movedTo(place, env) ?? usual);
  const stateDir = at('stateDir', joined(home, 'state'));
  const runDir = at('runDir', joined(home, 'run'));
  const logDir = at('logDir', joined(home, 'logs'));
  return {
    stateDir,
    runDir,
    logDir,
    settingsFile: at('settingsFile', joined(home, 'settings.json')),
    identityFile: joined(stateDir, 'machine.json'),
    ledgerFile: joined(stateDir, 'ledger.json'),
    tlsDir: joined(stateDir, 'tls'),
    tokenFile: joined(stateDir, 'token'),
    kvpItemsFile: joined(stateDir, 'kvp-items.json'),
    imageDir: joined(stateDir, 'image'),
    vmStateDir: joined(stateDir, 'vm'),
    vmRunDir: joined(runDir, 'vm'),
    controlSocket: String.raw`\\.\pipe\mobyvm_control`,
    engineSocket: String.raw`\\.\pipe\mobyvm_engine`,
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

/** Where the variable moves it, or undefined if the variable is not set. */
export function movedTo(place: MovablePath, env: Environment): string | undefined {
  const path = env[PATH_VARIABLES[place]];
  return path === '' ? undefined : path;
}
