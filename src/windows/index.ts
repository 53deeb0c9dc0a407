import type { FileProtection, ListenLocally, ProcessTable, SecretSeal } from '../core/host/index.js';
import { accessLists } from './files/access-lists.js';
import type { FolderFollower } from './files/followed-folders.js';
import type { ProtectedItems } from './files/protected-items.js';
import type { GlobalMutexes } from './mutex/mutexes.js';
import type { CredentialManager } from './secrets/credentials.js';
import type { WindowsResolution } from './net/resolution.plan.js';
import type { AddressChanges } from './net/changes.js';
import type { OwnedSocket } from './net/socket-table.codec.js';
import { listenOnNamedPipes } from './pipe/pipe-listener.js';
import { ServiceHost, type ServiceHostOptions, type ServiceLife } from './service/service-host.js';
import type { WindowsServices } from './service/services.js';

export type { FollowedFolder, FolderFollower, FollowOptions } from './files/followed-folders.js';
export { serversByRule, type NameRule } from './net/name-rules.plan.js';
export type { WindowsResolution } from './net/resolution.plan.js';
export type { AddressChanges } from './net/changes.js';
export type { OwnedSocket } from './net/socket-table.codec.js';
export type { CredentialManager } from './secrets/credentials.js';
export type { GlobalMutexes, HeldMutex } from './mutex/mutexes.js';
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
  /** Whether this host has a local group of that name. */
  readonly hasGroup: (name: string) => boolean;
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
  return {
    listen: listenOnNamedPipes({ system, users }),
    hasGroup: (name) => system.groupSid(name) !== undefined,
    close: () => system.close(),
  };
}

/** The processes of this Windows host. */
export const windowsProcesses: ProcessTable = {
  find: async (pid) => (await processTable()).find(pid),
  isAlive: async (process) => (await processTable()).isAlive(process),
  kill: async (process) => (await processTable()).kill(process),
};

async function processTable(): Promise<ProcessTable> {
  return (await import('./processes/process-table.js')).windowsProcessTable;
}

let mutexes: GlobalMutexes | undefined;

/** The named mutexes of this Windows host; always the same object, which knows what this process holds. */
export async function globalMutexes(): Promise<GlobalMutexes> {
  const { WindowsGlobalMutexes } = await import('./mutex/global-mutexes.js');
  return (mutexes ??= new WindowsGlobalMutexes());
}

let items: ProtectedItems | undefined;

async function machineSeal(): Promise<SecretSeal> {
  return (await import('./secrets/machine-seal.js')).machineSeal;
}

/** Encrypts with the key of this computer. */
const windowsSeal: SecretSeal = {
  seal: async (secret) => (await machineSeal()).seal(secret),
  open: async (text) => (await machineSeal()).open(text),
};

/** The Credential Manager of the user that this process runs as. */
export async function credentialManager(): Promise<CredentialManager> {
  return (await import('./secrets/windows-credentials.js')).windowsCredentialManager;
}

/** Access lists on the files and folders of this Windows host. */
export const windowsProtection: FileProtection = accessLists(async () => {
  const { WindowsItems } = await import('./files/windows-items.js');
  return (items ??= new WindowsItems());
}, windowsSeal);

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
  const { ownSid: read } = await import('./calls/security.js');
  return read();
}

/** The sockets of a host and the programs that have them. */
export interface HostSockets {
  /** The listening TCP sockets, or the bound UDP sockets. */
  list(protocol: 'tcp' | 'udp'): Promise<readonly OwnedSocket[]>;
  /** The file name of the process's program; undefined if it cannot be told. */
  programOf(pid: number): Promise<string | undefined>;
}

/** Of this Windows host. */
export const windowsSockets: HostSockets = {
  list: async (protocol) => (await import('./net/socket-tables.js')).ownedSockets(protocol),
  programOf: async (pid) => (await import('./calls/processes.js')).programOf(pid),
};

/**
 * How this Windows host resolves names now.
 * @param own name of the adapter on our switch, which is left out
 */
export async function windowsResolution(own: string): Promise<WindowsResolution> {
  return (await import('./net/resolution.js')).windowsResolution(own);
}

/** Follows the addresses of this Windows host. */
export async function addressChanges(): Promise<AddressChanges> {
  const { WindowsAddressChanges } = await import('./net/address-changes.js');
  return new WindowsAddressChanges();
}

/** Follows what changes in folders of this Windows host. */
export async function folderFollower(): Promise<FolderFollower> {
  const { WindowsFollower } = await import('./files/windows-follower.js');
  return new WindowsFollower();
}
