import { dirname, join } from 'node:path';
import { waitFor } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { PATH_VARIABLES } from '../../protocol/paths.js';
import { encodeServiceArguments } from '../../protocol/service-arguments.js';
import {
  ownSid,
  windowsCommandLine,
  windowsServices,
  type InstalledService,
  type WindowsServices,
} from '../../windows/index.js';
import type { DaemonContext } from '../daemon-context.js';
import { SERVICE_END_SECONDS } from '../machine/end-limits.plan.js';

/** The service that the daemon runs in, for `mobyvm service`. */
export interface ServiceControl {
  /** Also over an older one; a running one is started again. */
  install(): Promise<'created' | 'changed'>;
  /** @returns false if there was none */
  uninstall(): Promise<boolean>;
  /** Waits until it serves. @returns false if it was running already */
  start(): Promise<boolean>;
  /** Waits until it has stopped. @returns false if it was not running */
  stop(): Promise<boolean>;
  /** Undefined if it is not installed. */
  status(): Promise<InstalledService | undefined>;
}

/** As the installer sets them: scripts/lib/windows-msi.mjs. */
export const SERVICE_SETTINGS = {
  /** Its first failures are often those of a host that is still starting. */
  restartDelaysMs: [5_000, 30_000],
  preshutdownMs: SERVICE_END_SECONDS * 1_000,
} as const;
const START_SECONDS = 60;

type ServiceContext = Pick<DaemonContext, 'platform' | 'paths' | 'env' | 'self' | 'interrupted'>;

export async function serviceControl(context: ServiceContext): Promise<ServiceControl> {
  if (context.platform !== 'windows') throw noServicesError();
  const services = await windowsServices();
  const { serviceName: name } = context.paths;
  const { interrupted: signal } = context;
  return {
    status: () => Promise.resolve(services.find(name)),
    stop: () => services.stop(name, signal),
    uninstall: () => services.remove(name, signal),
    start: () => startAndWait(services, name, signal),
    async install() {
      const wasRunning = await services.stop(name, signal);
      const outcome = services.install({
        name,
        displayName: name === 'mobyvm' ? 'mobyvm' : `mobyvm (${name})`,
        description: 'Runs Linux containers in a small virtual machine.',
        commandLine: windowsCommandLine(await programOf(context)),
        ...SERVICE_SETTINGS,
      });
      if (wasRunning) await startAndWait(services, name, signal);
      return outcome;
    },
  };
}

async function programOf({ self, paths, env }: ServiceContext): Promise<readonly string[]> {
  const [program, entry] = self;
  const moved = Object.values(PATH_VARIABLES).flatMap((variable) => {
    const value = env[variable];
    return value === undefined || value === '' ? [] : [[variable, value] as const];
  });
  const args = encodeServiceArguments({
    name: paths.serviceName,
    user: await ownSid(),
    env: Object.fromEntries(moved),
  });
  return [program, join(dirname(entry), 'service.js'), ...args];
}

async function startAndWait(services: WindowsServices, name: string, signal: AbortSignal): Promise<boolean> {
  const isStarted = services.start(name);
  let exitCode: number | undefined;
  await waitFor(
    {
      title: 'the service to start',
      code: 'MOBYVM_SERVICE',
      timeoutSeconds: START_SECONDS,
      hint: 'See `mobyvm logs` and the event log "Application".',
      everyMs: 50,
      giveUp: () => {
        if (exitCode !== undefined) throw notStartedError(name, exitCode);
      },
      check: () => {
        const found = services.find(name);
        if (found?.state === 'stopped') ({ exitCode } = found);
        return Promise.resolve(found?.state === 'running');
      },
    },
    signal,
  );
  return isStarted;
}

function notStartedError(name: string, exitCode: number): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SERVICE',
    `The service "${name}" stopped with exit code ${exitCode}.`,
    'See `mobyvm logs` and the event log "Application".',
  );
}

function noServicesError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_PLATFORM',
    '`mobyvm service` works on Windows only.',
    'On Linux, run `mobyvm daemon` from a systemd unit.',
  );
}
