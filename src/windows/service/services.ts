import { sleep } from '../../core/host/index.js';
import {
  changeService,
  closeServiceHandle,
  configureService,
  createService,
  deleteService,
  MANAGER_ACCESS,
  openManager,
  openService,
  queryConfig,
  queryStatus,
  requestStop,
  SERVICE_ACCESS,
  startService,
  type ServiceConfig,
  type ServiceExtras,
} from '../calls/service-control.js';
import { getLastError, lastError } from '../calls/last-error.js';
import type { Handle } from '../calls/libraries.js';
import { WindowsCallError } from '../windows-call-error.js';
import { addEventSource, removeEventSource } from './event-source.js';
import { SERVICE_ERROR, SERVICE_STATE, type ServiceStateName } from './service-codes.js';
import { notInstalledError, notStoppedError, serviceCallError } from './service-errors.js';

/** A service to be installed. */
export interface ServiceDefinition extends ServiceConfig, ServiceExtras {}

export interface InstalledService {
  readonly state: ServiceStateName;
  /** Of its process; undefined while it has none. */
  readonly pid: number | undefined;
  /** Of its last process: 0 if it ended well, or has never run. */
  readonly exitCode: number;
  readonly commandLine: string;
  readonly startsWithWindows: boolean;
  readonly isDisabled: boolean;
}

const STOP_SECONDS = 180;
const POLL_MS = 50;
const SERVICE_AUTO_START = 2;
const SERVICE_DISABLED = 4;

/** The services of this host, by the service control manager. Every method throws MobyvmError MOBYVM_NOT_ROOT or MOBYVM_SERVICE. */
export class WindowsServices {
  /** Undefined if there is no service of that name. */
  find(name: string): InstalledService | undefined {
    return this.#withService(name, SERVICE_ACCESS.queryStatus | SERVICE_ACCESS.queryConfig, (service) => {
      const { state, pid, exitCode, specificExitCode } = queryStatus(service);
      const { startType, commandLine } = queryConfig(service);
      const ownCode = exitCode === SERVICE_ERROR.serviceSpecific ? specificExitCode : exitCode;
      return {
        state: stateName(state),
        pid: pid === 0 ? undefined : pid,
        exitCode: exitCode === SERVICE_ERROR.neverStarted ? 0 : ownCode,
        commandLine,
        startsWithWindows: startType === SERVICE_AUTO_START,
        isDisabled: startType === SERVICE_DISABLED,
      };
    });
  }

  /** Creates the service, or changes an older one of the name, and makes its events readable. */
  install(definition: ServiceDefinition): 'created' | 'changed' {
    const access = SERVICE_ACCESS.changeConfig | SERVICE_ACCESS.start;
    const manager = attempt('installed', () =>
      openManager(MANAGER_ACCESS.connect | MANAGER_ACCESS.createService),
    );
    try {
      return attempt('installed', () => {
        const older = openService(manager, definition.name, access);
        const service = older === 0 ? createService(manager, definition, access) : older;
        if (service === 0) throw lastError('CreateServiceW');
        try {
          if (older !== 0) changeService(service, definition);
          configureService(service, definition);
        } finally {
          closeServiceHandle(service);
        }
        addEventSource(definition.name);
        return older === 0 ? 'created' : 'changed';
      });
    } finally {
      closeServiceHandle(manager);
    }
  }

  /** @returns false if it was running already */
  start(name: string, args: readonly string[] = []): boolean {
    const isStarted = this.#withService(name, SERVICE_ACCESS.start, (service) => {
      if (startService(service, args)) return true;
      const error = lastError('StartServiceW');
      if (error.windowsCode === SERVICE_ERROR.alreadyRunning) return false;
      throw error;
    });
    if (isStarted === undefined) throw notInstalledError(name);
    return isStarted;
  }

  /** Waits until it has stopped. @returns false if it was not running */
  async stop(name: string, signal?: AbortSignal): Promise<boolean> {
    let wasRunning = false;
    for (const deadline = performance.now() + STOP_SECONDS * 1000; ;) {
      const state = this.find(name)?.state;
      if (state === undefined || state === 'stopped') return wasRunning;
      wasRunning = true;
      if (state !== 'stopPending') this.#requestStop(name);
      if (performance.now() > deadline) throw notStoppedError(name, STOP_SECONDS);
      await sleep(POLL_MS, signal);
    }
  }

  /** Stops and deletes it. @returns false if there was none */
  async remove(name: string, signal?: AbortSignal): Promise<boolean> {
    await this.stop(name, signal);
    const isRemoved = this.#withService(name, SERVICE_ACCESS.delete, (service) => {
      if (deleteService(service) === 0 && getLastError() !== SERVICE_ERROR.markedForDelete)
        throw lastError('DeleteService');
      return true;
    });
    attempt('removed', () => removeEventSource(name));
    return isRemoved ?? false;
  }

  #requestStop(name: string): void {
    this.#withService(name, SERVICE_ACCESS.stop, (service) => {
      if (requestStop(service)) return;
      const error = lastError('ControlService');
      // It is starting or has just stopped: the caller looks again.
      if (
        error.windowsCode !== SERVICE_ERROR.cannotAcceptNow &&
        error.windowsCode !== SERVICE_ERROR.notActive
      )
        throw error;
    });
  }

  #withService<T>(name: string, access: number, use: (service: Handle) => T): T | undefined {
    return attempt('accessed', () => {
      const manager = openManager(MANAGER_ACCESS.connect);
      try {
        const service = openService(manager, name, access);
        if (service === 0) {
          const error = lastError('OpenServiceW');
          if (error.windowsCode === SERVICE_ERROR.notInstalled) return undefined;
          throw error;
        }
        try {
          return use(service);
        } finally {
          closeServiceHandle(service);
        }
      } finally {
        closeServiceHandle(manager);
      }
    });
  }
}

function stateName(state: number): ServiceStateName {
  const names = Object.keys(SERVICE_STATE) as ServiceStateName[];
  return names.find((name) => SERVICE_STATE[name] === state) ?? 'stopped';
}

/** @param what completes "The service could not be …" */
function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof WindowsCallError)) throw error;
    throw serviceCallError(what, error);
  }
}
