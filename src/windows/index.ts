import type { ListenLocally } from '../core/host/index.js';
import { listenOnNamedPipes } from './pipe/pipe-listener.js';
import { ServiceHost, type ServiceHostOptions, type ServiceLife } from './service/service-host.js';
import type { WindowsServices } from './service/services.js';

export { windowsCommandLine } from './service/command-line.plan.js';
export type { ServiceLife } from './service/service-host.js';
export type { ServiceStateName } from './service/service-codes.js';
export type { InstalledService, ServiceDefinition, WindowsServices } from './service/services.js';

/*
 * koffi and the system's libraries are loaded by these functions and not before, so that importing this folder is
 * harmless everywhere.
 */

export interface NamedPipes {
  readonly listen: ListenLocally;
  /** Ends the thread that waits for all pipes. All listeners must be closed. */
  close(): Promise<void>;
}

/**
 * Named pipes of this Windows host.
 * @param users SIDs of users that may connect to every pipe: the one who has installed mobyvm
 */
export async function namedPipes(users: readonly string[] = []): Promise<NamedPipes> {
  const { WindowsPipeSystem } = await import('./pipe/windows-pipe-system.js');
  const system = new WindowsPipeSystem();
  return { listen: listenOnNamedPipes({ system, users }), close: () => system.close() };
}

/**
 * Runs this process as the Windows service of that name; resolves when Windows has started it.
 * @throws WindowsCallError if no service control manager has started this process
 */
export async function startAsService(
  name: string,
  process: ServiceHostOptions['process'],
): Promise<ServiceLife> {
  const { WindowsServiceSystem } = await import('./service/windows-service-system.js');
  return new ServiceHost({ system: new WindowsServiceSystem(), process }).start(name);
}

/** The services of this Windows host. */
export async function windowsServices(): Promise<WindowsServices> {
  const { WindowsServices: Services } = await import('./service/services.js');
  return new Services();
}

/** Writes to the event log "Application". @throws WindowsCallError */
export async function writeWindowsEvent(
  source: string,
  type: 'error' | 'warning' | 'information',
  text: string,
): Promise<void> {
  const { writeEvent } = await import('./service/event-source.js');
  writeEvent(source, type, text);
}

/** The SID of the user of this process. @throws WindowsCallError */
export async function ownSid(): Promise<string> {
  const { ownSid: read } = await import('./calls/token.js');
  return read();
}
