import { EXIT_FAILED, EXIT_OK } from '../protocol/exit-code.js';
import type { CommandContext, CommandResult, ServiceStatus } from './context.js';

/** `mobyvm service install`: also over an older one. */
export async function serviceInstall({ daemon, terminal, paths }: CommandContext): CommandResult {
  const service = await daemon.service();
  const outcome = await service.install();
  terminal.out(
    outcome === 'created'
      ? `The service "${paths.serviceName}" was installed and starts with Windows. To start it now: mobyvm service start`
      : `The service "${paths.serviceName}" was updated.`,
  );
  return EXIT_OK;
}

export async function serviceUninstall({ daemon, terminal, paths }: CommandContext): CommandResult {
  const service = await daemon.service();
  const isRemoved = await service.uninstall();
  terminal.out(`The service "${paths.serviceName}" ${isRemoved ? 'was removed' : 'is not installed'}.`);
  return EXIT_OK;
}

export async function serviceStart({ daemon, terminal, paths }: CommandContext): CommandResult {
  const service = await daemon.service();
  const isStarted = await service.start();
  terminal.out(
    isStarted
      ? `The service "${paths.serviceName}" was started. \`mobyvm status --watch\` shows the start of the VM.`
      : `The service "${paths.serviceName}" is already running.`,
  );
  return EXIT_OK;
}

export async function serviceStop({ daemon, terminal, paths }: CommandContext): CommandResult {
  const service = await daemon.service();
  const isStopped = await service.stop();
  terminal.out(`The service "${paths.serviceName}" ${isStopped ? 'was stopped' : 'is not running'}.`);
  return EXIT_OK;
}

/** `mobyvm service status`: exit code 0 if it runs. */
export async function serviceStatus(
  { daemon, terminal, paths }: CommandContext,
  { json }: { readonly json: boolean },
): CommandResult {
  const { serviceName: name } = paths;
  const status = await (await daemon.service()).status();
  if (json) terminal.out(JSON.stringify({ name, ...(status ?? { state: 'not installed' }) }));
  else terminal.out(`${name}: ${statusText(status)}`);
  return status?.state === 'running' ? EXIT_OK : EXIT_FAILED;
}

const STATE_TEXTS: Readonly<Record<ServiceStatus['state'], string>> = {
  stopped: 'stopped',
  startPending: 'starting',
  stopPending: 'stopping',
  running: 'running',
  continuePending: 'continuing',
  pausePending: 'pausing',
  paused: 'paused',
};

function statusText(status: ServiceStatus | undefined): string {
  if (status === undefined) return 'not installed';
  const { state, pid, exitCode, startsWithWindows } = status;
  return [
    STATE_TEXTS[state],
    ...(pid === undefined ? [] : [`pid ${pid}`]),
    ...(state === 'stopped' && exitCode !== 0 ? [`exit code ${exitCode}`] : []),
    startsWithWindows ? 'starts with Windows' : 'does not start with Windows',
  ].join(', ');
}
