import { makeFolder, type Logger } from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';
import {
  apiRules,
  noShares,
  startEngineEndpoint,
  type Dial,
  type EngineAvailability,
  type EngineEndpoint,
} from '../proxy/index.js';
import { hostPaths } from '../share/index.js';
import type { CommandContext, CommandResult, DaemonOptions } from '../cli/context.js';
import { EXIT_FINE, exitCodeOf } from '../cli/exit-code.js';
import { errorLines } from '../cli/render-error.js';
import { startControlServer } from './control/server.js';
import { refuseOutside } from './daemon-namespace.js';
import { loadIdentity } from './identity.js';
import { keepFiles } from './keep-files.js';
import { listenOnUnixSocket } from './linux/unix-listener.js';
import { openLog, type DaemonLog } from './log.js';
import { untilIdle } from './idle-end.js';
import { linuxMachine } from './linux/linux-machine.js';
import { assembleMachine } from './machine/assemble.js';
import type { Machine } from './machine/machine.js';
import { refuseOnWindows } from './not-on-windows.js';
import { notRoot } from './not-root.js';
import { hostPlatform } from './platform.js';
import { takeLock, type ProcessLock } from './process-lock.js';
import { loadSettings } from './settings/load.js';
import { settingsSchema, type Settings } from './settings/schema.js';
import { version } from '../protocol/version.js';

const HEALTH_EVERY_MS = 5_000;
/** What others changed on the host is back within this time, and twice the time that a look takes. */
const REPAIR_EVERY_MS = 10_000;
/** VPNs connect now and then, and their routes stay for hours. */
const NETWORK_EVERY_MS = 30_000;
/** Most of what changes is known at once; this finds the rest. */
const PORTS_EVERY_MS = 15_000;
/** A daemon in the background that has nothing to look after, and of which nobody wants anything, ends after it. */
const IDLE_MS = 10_000;
const ENGINE_GROUP = 'docker';

/**
 * The one long-lived process: it owns the lock, the control socket, the engine endpoint and the machine, in this order.
 * SIGTERM and Ctrl-C shut the machine down; `POST /v1/exit` ends a daemon whose machine is down already. One that was to
 * start the machine and could not ends as well, so that a service manager sees it.
 */
export async function runDaemon(context: CommandContext, options: DaemonOptions): CommandResult {
  const { paths } = context;
  refuseOnWindows(hostPlatform());
  if (!context.isRoot) throw notRoot();
  if (options.namespace !== undefined) await refuseOutside(options.namespace);
  const settings = await firstSettings(paths.settingsFile, options);
  for (const folder of [paths.stateDir, paths.runDir, paths.logDir]) await makeFolder(folder);
  const closing: (() => Promise<void>)[] = [];
  try {
    const lock = await takeLock(paths.lockFile);
    closing.push(() => lock.release());
    const logger = openLog({
      path: paths.daemonLog,
      level: settings.log.level,
      toConsole: options.startsMachine,
    });
    logger.info('daemon.started', { pid: context.pid, version, namespace: options.namespace });
    const daemon = await openDaemon(context, { ...options, settings, logger, lock }, closing);
    const code = await live(context, daemon, options);
    logger.info('daemon.ended', { code });
    return code;
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** `up` reads them itself; what is to be taken down is taken down whatever they say. */
async function firstSettings(path: string, { startsMachine }: DaemonOptions): Promise<Settings> {
  try {
    return await loadSettings(path);
  } catch (error) {
    if (startsMachine) throw error;
    return settingsSchema.parse({});
  }
}

interface Daemon {
  readonly machine: Machine;
  /** Clients that are connected to the control socket. */
  readonly clients: () => number;
  /** Resolves when a client asks the daemon to end. */
  readonly exitRequested: Promise<void>;
}

async function openDaemon(
  context: CommandContext,
  {
    settings,
    logger,
    lock,
    namespace,
    isBackground,
  }: DaemonOptions & { readonly settings: Settings; readonly logger: DaemonLog; readonly lock: ProcessLock },
  closing: (() => Promise<void>)[],
): Promise<Daemon> {
  const { paths } = context;
  const identity = await loadIdentity(paths.identityFile);
  const assembled = assembleMachine(linuxMachine, {
    paths,
    settings,
    identity,
    namespace,
    logger,
    pid: context.pid,
    isBackground,
    applySettings: ({ log }) => logger.setLevel(log.level),
  });
  const { machine, dial } = assembled;
  closing.push(() => assembled.close());
  const endpoint = await openEndpoint(paths.engineSocket, { machine, dial, logger });
  closing.push(() => endpoint.close());
  let exit: () => void = () => undefined;
  const exitRequested = new Promise<void>((resolve) => {
    exit = resolve;
  });
  const requestExit = async (): Promise<void> => {
    if (!(await machine.isGone())) throw machineIsUp(machine.state);
    exit();
  };
  const control = await startControlServer({
    listen: listenOnUnixSocket,
    address: paths.controlSocket,
    machine,
    logger,
    requestExit,
  });
  closing.push(() => control.close());
  closing.push(keepFiles({ lock, control, endpoint }, logger));
  closing.push(lookAfter(machine));
  return { machine, clients: () => control.clients, exitRequested };
}

/** @returns ends the periodic checks */
function lookAfter(machine: Machine): () => Promise<void> {
  const checks = [
    setInterval(() => void machine.checkHealth(), HEALTH_EVERY_MS),
    setInterval(() => void machine.repair(), REPAIR_EVERY_MS),
    setInterval(() => void machine.checkNetwork(), NETWORK_EVERY_MS),
    setInterval(() => void machine.checkPorts(), PORTS_EVERY_MS),
  ];
  return () => {
    checks.forEach(clearInterval);
    return Promise.resolve();
  };
}

function openEndpoint(
  address: string,
  { machine, dial, logger }: { readonly machine: Machine; readonly dial: Dial; readonly logger: Logger },
): Promise<EngineEndpoint> {
  return startEngineEndpoint({
    listen: listenOnUnixSocket,
    address,
    access: { kind: 'group', name: ENGINE_GROUP },
    availability: availabilityOf(machine, dial),
    logger,
    waitMs: () => machine.settings.engine.waitSeconds * 1000,
    rules: apiRules({
      paths: hostPaths(hostPlatform()),
      health: noShares,
      showHostPaths: () => machine.settings.api.showHostPaths,
    }),
  });
}

/** Until somebody ends it. In the foreground the machine comes up at once, and goes down with SIGTERM or Ctrl-C. */
async function live(context: CommandContext, daemon: Daemon, options: DaemonOptions): CommandResult {
  const { machine } = daemon;
  let code = EXIT_FINE;
  const perform = async (name: 'up' | 'down'): Promise<void> => {
    await machine.operate({ name }, { pid: context.pid, command: context.commandLine }, (event) => {
      if (event.event !== 'operation.failed' || event.error.code === 'MOBYVM_ABORTED') return;
      code = exitCodeOf(event.error.code);
      errorLines(event.error, context.paths.daemonLog).forEach((line) => context.terminal.error(line));
    });
  };
  const interrupted = new Promise<void>((resolve) => {
    context.interrupted.addEventListener('abort', () => resolve(), { once: true });
  });
  const notStarted = new Promise<void>((resolve) => {
    if (options.startsMachine) void perform('up').then(() => (code === EXIT_FINE ? undefined : resolve()));
  });
  const isIdle = (): boolean => machine.state === 'stopped' && !machine.isBusy && daemon.clients() === 0;
  const over = new AbortController();
  const ends = [interrupted, daemon.exitRequested, notStarted];
  if (options.isBackground) ends.push(untilIdle(isIdle, IDLE_MS, over.signal));
  await Promise.race(ends);
  over.abort();
  if (machine.state !== 'stopped') await perform('down');
  return code;
}

function availabilityOf(machine: Machine, dial: Dial): EngineAvailability {
  return {
    current() {
      const state = machine.engineState;
      return state.kind === 'ready' ? { kind: 'ready', dial } : state;
    },
    onChange: (listener) => machine.onStatusChange(listener),
  };
}

function machineIsUp(state: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_BUSY',
    `The daemon has a machine to look after (${state}).`,
    'Take it down with `mobyvm down`; that ends the daemon too.',
  );
}
