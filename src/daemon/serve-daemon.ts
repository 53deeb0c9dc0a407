import { fileLedger, type Logger } from '../core/host/index.js';
import { textOf } from '../core/values/index.js';
import {
  apiRules,
  containerClient,
  startEngineEndpoint,
  type Dial,
  type EngineAvailability,
  type EngineEndpoint,
} from '../proxy/index.js';
import { hostPaths, type Shares } from '../share/index.js';
import { shareHealth } from './shares/share-health.js';
import { errorLines } from '../protocol/error-text.js';
import { EXIT_OK, exitCodeOf } from '../protocol/exit-code.js';
import type { HostPlatform } from '../protocol/platform.js';
import type { OpenShell } from './control/shell-connection.js';
import { daemonLock, makeInstanceFolders, type DaemonContext, type DaemonOptions } from './daemon-context.js';
import { removeNamespaces } from './daemon-namespace.js';
import { GuestShells } from './guest-shell/index.js';
import { loadIdentity } from './identity.js';
import { keepFiles } from './keep-files.js';
import { openLog, type DaemonLog } from './log.js';
import { untilIdle } from './idle-end.js';
import { assembleMachine } from './machine/assemble.js';
import type { DaemonPlatform } from './host-side/daemon-platform.js';
import { watchHostSleep } from './host-sleep.js';
import { PROCESS_LIMITS, SERVICE_LIMITS } from './machine/end-limits.plan.js';
import type { Machine } from './machine/machine.js';
import { removeInstance, writeInstance } from './instance.js';
import { lookAfter } from './look-after.js';
import { openControl } from './open-control.js';
import { openDaemonPlatform } from './open-platform.js';
import { closeAll, type Close } from './process-end.js';
import type { ProcessLock } from './process-lock.js';
import { loadSettings } from './settings/load.js';
import { settingsSchema, type Settings } from './settings/schema.js';
import { removeUninstalledFiles } from './uninstalled-files.js';
import { version } from '../protocol/version.js';

/** How long a daemon in the background without a machine and without clients stays. */
const IDLE_MS = 10_000;

/** Serves until it is asked to end; in the network namespace that it is to run in, if any. @returns its exit code */
export async function serveDaemon(context: DaemonContext, options: DaemonOptions): Promise<number> {
  const { paths, processEnd } = context;
  const settings = await firstSettings(paths.settingsFile, options, context.platform);
  await makeInstanceFolders(context);
  const lock = await daemonLock(context).take();
  // Released by the end of the process and by nothing else: without the lock another daemon may start.
  processEnd.atExit(() => lock.releaseAtExit());
  const closing: Close[] = [];
  let logger: DaemonLog | undefined;
  try {
    logger = openLog({
      path: paths.daemonLog,
      level: settings.log.level,
      toConsole: options.startsMachine,
    });
    endsForSure(context, logger);
    logger.info('daemon.started', { pid: context.pid, version, namespace: options.namespace });
    closing.push(() => leaveNothing(context));
    if (options.namespace !== undefined) await writeInstance(paths.runDir, { namespace: options.namespace });
    const daemon = await openDaemon(context, { ...options, settings, logger, lock }, closing);
    context.supervisor?.ready();
    const code = await live(context, daemon, options);
    if (daemon.machine.isUninstalled) processEnd.atExit(() => removeUninstalledFiles(paths));
    logger.info('daemon.ended', { code });
    return code;
  } catch (error) {
    logger?.error('daemon.failed', { reason: textOf(error) });
    throw error;
  } finally {
    await closeAll(closing, logger);
    logger?.end();
  }
}

function endsForSure({ processEnd, printError }: DaemonContext, logger: DaemonLog): void {
  processEnd.mustCome((resources) => {
    const held = resources.join(', ');
    logger.warn('daemon.process.held', { resources: held });
    printError(`mobyvm: ended although something was still open (${held}).`);
  });
}

/** Nothing is removed while the ledger has more than namespaces: then a VM, or what it needs, is still there. */
async function leaveNothing({ paths }: DaemonContext): Promise<void> {
  await removeNamespaces(paths);
  if ((await fileLedger(paths.ledgerFile).list()).length === 0) await removeInstance(paths.runDir);
}

/** `up` reads them itself; what is to be removed is removed whatever they say. */
async function firstSettings(
  path: string,
  { startsMachine }: DaemonOptions,
  platform: HostPlatform,
): Promise<Settings> {
  try {
    return await loadSettings(path, platform);
  } catch (error) {
    if (startsMachine) throw error;
    return settingsSchema.parse({});
  }
}

interface Daemon {
  readonly machine: Machine;
  /** Clients that are connected to the control socket, and open pages of the dashboard. */
  readonly clients: () => number;
  /** Resolves when a client asks the daemon to end. */
  readonly exitRequested: Promise<void>;
}

async function openDaemon(
  context: DaemonContext,
  {
    settings,
    logger,
    lock,
    namespace,
    isBackground,
  }: DaemonOptions & { readonly settings: Settings; readonly logger: DaemonLog; readonly lock: ProcessLock },
  closing: Close[],
): Promise<Daemon> {
  const { paths } = context;
  const identity = await loadIdentity(paths.identityFile, paths.vmStateDir);
  const platform = await openDaemonPlatform(context);
  closing.push(() => platform.close());
  const opened: { endpoint?: EngineEndpoint } = {};
  const assembled = assembleMachine(platform.machine, {
    paths,
    files: context.files,
    credentials: await context.credentialsAt(paths.credentialsFile),
    settings,
    identity,
    namespace,
    logger,
    pid: context.pid,
    isBackground,
    usualEndpoint: () => opened.endpoint?.usual,
    applySettings: ({ log }) => logger.setLevel(log.level),
  });
  const { machine, dial } = assembled;
  closing.push(() => assembled.close());
  const endpoint = await openEndpoint(context, platform, { machine, dial, shares: assembled.shares, logger });
  opened.endpoint = endpoint;
  closing.push(() => endpoint.close());
  const openShell = shellsIn(machine, dial, logger, closing);
  const control = await openControl(context, { platform, assembled, openShell, logger }, closing);
  closing.push(keepFiles({ lock, control: control.server, endpoint }, logger));
  closing.push(lookAfter(machine, assembled.checks));
  closing.push(
    watchHostSleep({ supervisor: context.supervisor, logger, onWake: () => void machine.hostWoke() }),
  );
  return { machine, clients: control.clients, exitRequested: control.exitRequested };
}

/** @returns opens shells in the VM, which end with the daemon */
function shellsIn(machine: Machine, dial: Dial, logger: Logger, closing: Close[]): OpenShell {
  const availability = availabilityOf(machine, dial);
  const shells = new GuestShells({ availability, engine: containerClient(dial), logger });
  closing.push(() => shells.close());
  return (request, signal) => shells.open(request, signal);
}

interface EndpointParts {
  readonly machine: Machine;
  readonly dial: Dial;
  readonly shares: Shares;
  readonly logger: Logger;
}

function openEndpoint(
  { paths, platform }: DaemonContext,
  { listen, engineGroup }: DaemonPlatform,
  { machine, dial, shares, logger }: EndpointParts,
): Promise<EngineEndpoint> {
  return startEngineEndpoint({
    listen,
    address: paths.engineSocket,
    usualAddress: paths.usualEngineSocket,
    access: { kind: 'group', name: engineGroup },
    availability: availabilityOf(machine, dial),
    logger,
    waitMs: () => machine.settings.engine.waitSeconds * 1000,
    rules: apiRules({
      paths: hostPaths(platform, {
        engineAddress: paths.engineSocket,
        shares: () => shares.list().map(({ share }) => share),
      }),
      health: shareHealth(shares, platform),
      showHostPaths: () => machine.settings.api.showHostPaths,
    }),
  });
}

/** Runs until it is stopped. In the foreground, starts the machine at once, and stops it on SIGTERM or Ctrl-C. */
async function live(context: DaemonContext, daemon: Daemon, options: DaemonOptions): Promise<number> {
  const { machine } = daemon;
  let code = EXIT_OK;
  const perform = async (name: 'up' | 'down'): Promise<void> => {
    // Whoever ends a daemon, such as a host that shuts down, does not wait for as long as it takes.
    const limits = context.supervisor === undefined ? PROCESS_LIMITS : SERVICE_LIMITS;
    const operation = name === 'down' ? { name, limits } : { name };
    await machine.operate(operation, { pid: context.pid, command: context.commandLine }, (event) => {
      if (event.event !== 'operation.failed' || event.error.code === 'MOBYVM_ABORTED') return;
      code = exitCodeOf(event.error.code);
      errorLines(event.error, context.paths.daemonLog).forEach((line) => context.printError(line));
    });
  };
  const interrupted = new Promise<void>((resolve) => {
    context.interrupted.addEventListener('abort', () => resolve(), { once: true });
  });
  const notStarted = new Promise<void>((resolve) => {
    if (options.startsMachine) void perform('up').then(() => (code === EXIT_OK ? undefined : resolve()));
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
