import koffi, { type TypeObject } from 'koffi';
import { lastError } from './last-error.js';
import { advapi32, type Address, type Handle } from './libraries.js';
import { allocate } from './memory.js';

/** https://learn.microsoft.com/windows/win32/services/service-security-and-access-rights */
export const MANAGER_ACCESS = { connect: 0x1, createService: 0x2 } as const;
export const SERVICE_ACCESS = {
  queryConfig: 0x1,
  changeConfig: 0x2,
  queryStatus: 0x4,
  start: 0x10,
  stop: 0x20,
  delete: 0x1_0000,
} as const;

const openSCManager: (machine: null, database: null, access: number) => Handle = advapi32.func(
  'intptr_t __stdcall OpenSCManagerW(str16 machine, str16 database, uint32 access)',
);
const openServiceW: (manager: Handle, name: string, access: number) => Handle = advapi32.func(
  'intptr_t __stdcall OpenServiceW(intptr_t manager, str16 name, uint32 access)',
);

/** https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-closeservicehandle */
export const closeServiceHandle: (handle: Handle) => number = advapi32.func(
  'int __stdcall CloseServiceHandle(intptr_t handle)',
);

/** https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-openscmanagerw */
export function openManager(access: number): Handle {
  const manager = openSCManager(null, null, access);
  if (manager === 0) throw lastError('OpenSCManagerW');
  return manager;
}

/** 0 if it fails: https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-openservicew */
export const openService = openServiceW;

const SERVICE_WIN32_OWN_PROCESS = 0x10;
const SERVICE_AUTO_START = 2;
const SERVICE_ERROR_NORMAL = 1;

const createServiceW: (
  manager: Handle,
  name: string,
  displayName: string,
  access: number,
  type: number,
  start: number,
  errorControl: number,
  commandLine: string,
  group: null,
  tag: null,
  dependencies: null,
  account: null,
  password: null,
) => Handle = advapi32.func(
  'intptr_t __stdcall CreateServiceW(intptr_t manager, str16 name, str16 displayName, uint32 access, uint32 type, uint32 start, uint32 errorControl, str16 commandLine, str16 group, void *tag, void *dependencies, str16 account, str16 password)',
);
const changeServiceConfigW: (
  service: Handle,
  type: number,
  start: number,
  errorControl: number,
  commandLine: string,
  group: null,
  tag: null,
  dependencies: null,
  account: string,
  password: null,
  displayName: string,
) => number = advapi32.func(
  'int __stdcall ChangeServiceConfigW(intptr_t service, uint32 type, uint32 start, uint32 errorControl, str16 commandLine, str16 group, void *tag, void *dependencies, str16 account, str16 password, str16 displayName)',
);

export interface ServiceConfig {
  readonly name: string;
  readonly displayName: string;
  readonly commandLine: string;
}

/**
 * A service of its own process that starts with Windows, as SYSTEM: 0 if it fails.
 * https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-createservicew
 */
export function createService(manager: Handle, config: ServiceConfig, access: number): Handle {
  const { name, displayName, commandLine } = config;
  return createServiceW(
    manager,
    name,
    displayName,
    access,
    SERVICE_WIN32_OWN_PROCESS,
    SERVICE_AUTO_START,
    SERVICE_ERROR_NORMAL,
    commandLine,
    null,
    null,
    null,
    null,
    null,
  );
}

/** https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-changeserviceconfigw */
export function changeService(service: Handle, { displayName, commandLine }: ServiceConfig): void {
  const isChanged = changeServiceConfigW(
    service,
    SERVICE_WIN32_OWN_PROCESS,
    SERVICE_AUTO_START,
    SERVICE_ERROR_NORMAL,
    commandLine,
    null,
    null,
    null,
    'LocalSystem',
    null,
    displayName,
  );
  if (isChanged === 0) throw lastError('ChangeServiceConfigW');
}

const DESCRIPTION = koffi.struct({ text: 'str16' });
const FLAG = koffi.struct({ value: 'uint32' });
const ACTION = koffi.struct({ type: 'uint32', delayMs: 'uint32' });
/** https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_failure_actionsw */
const FAILURE_ACTIONS = koffi.struct({
  resetSeconds: 'uint32',
  rebootMessage: 'str16',
  command: 'str16',
  count: 'uint32',
  actions: koffi.pointer(ACTION),
});

type Configure = (service: Handle, kind: number, value: object) => number;
const configureWith = (type: TypeObject): Configure =>
  advapi32.func('__stdcall', 'ChangeServiceConfig2W', 'int', ['intptr_t', 'uint32', koffi.pointer(type)]);

const setDescription = configureWith(DESCRIPTION);
const setFlag = configureWith(FLAG);
const setFailureActions = configureWith(FAILURE_ACTIONS);

const KIND = { description: 1, failureActions: 2, failureFlag: 4, preshutdown: 7 } as const;
const SC_ACTION_NONE = 0;
const SC_ACTION_RESTART = 1;
const SECONDS_PER_DAY = 86_400;

export interface ServiceExtras {
  readonly description: string;
  /** After how long it is started again when it fails for the first time, the second, …; afterwards it stays stopped. */
  readonly restartDelaysMs: readonly number[];
  /** How long Windows waits for it when it shuts down. */
  readonly preshutdownMs: number;
}

/** https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-changeserviceconfig2w */
export function configureService(service: Handle, extras: ServiceExtras): void {
  const { description, restartDelaysMs, preshutdownMs } = extras;
  const restarts = restartDelaysMs.map((delayMs) => ({ type: SC_ACTION_RESTART, delayMs }));
  const actions = [...restarts, { type: SC_ACTION_NONE, delayMs: 0 }];
  const failureActions = {
    resetSeconds: SECONDS_PER_DAY,
    rebootMessage: null,
    command: null,
    count: actions.length,
    actions,
  };
  const isDone =
    setDescription(service, KIND.description, { text: description }) !== 0 &&
    setFailureActions(service, KIND.failureActions, failureActions) !== 0 &&
    setFlag(service, KIND.preshutdown, { value: preshutdownMs }) !== 0;
  if (!isDone) throw lastError('ChangeServiceConfig2W');
  // It also fails by ending with an exit code. Wine does not know this one; without it only crashes count.
  setFlag(service, KIND.failureFlag, { value: 1 });
}

const startServiceW: (service: Handle, count: number, args: readonly string[]) => number = advapi32.func(
  'int __stdcall StartServiceW(intptr_t service, uint32 count, str16 *args)',
);

/** Whether it was started: https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-startservicew */
export function startService(service: Handle, args: readonly string[]): boolean {
  return startServiceW(service, args.length, args) !== 0;
}

const controlService: (service: Handle, control: number, status: Buffer) => number = advapi32.func(
  'int __stdcall ControlService(intptr_t service, uint32 control, void *status)',
);
const SERVICE_STATUS_BYTES = 28;
const SERVICE_CONTROL_STOP = 1;

/** Whether the service has taken it: https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-controlservice */
export function requestStop(service: Handle): boolean {
  return controlService(service, SERVICE_CONTROL_STOP, Buffer.alloc(SERVICE_STATUS_BYTES)) !== 0;
}

/** Gone once it has stopped: https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-deleteservice */
export const deleteService: (service: Handle) => number = advapi32.func(
  'int __stdcall DeleteService(intptr_t service)',
);

const queryServiceStatusEx: (
  service: Handle,
  level: number,
  status: Buffer,
  length: number,
  needed: Uint32Array,
) => number = advapi32.func(
  'int __stdcall QueryServiceStatusEx(intptr_t service, int level, void *status, uint32 length, void *needed)',
);
const SC_STATUS_PROCESS_INFO = 0;

export interface QueriedStatus {
  readonly state: number;
  readonly exitCode: number;
  readonly specificExitCode: number;
  readonly checkPoint: number;
  readonly pid: number;
}

/**
 * SERVICE_STATUS_PROCESS, nine numbers of 32 bits:
 * https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_status_process
 */
export function queryStatus(service: Handle): QueriedStatus {
  const bytes = Buffer.alloc(36);
  const needed = new Uint32Array(new ArrayBuffer(4));
  if (queryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, bytes, bytes.length, needed) === 0)
    throw lastError('QueryServiceStatusEx');
  const at = (index: number): number => bytes.readUInt32LE(4 * index);
  return { state: at(1), exitCode: at(3), specificExitCode: at(4), checkPoint: at(5), pid: at(7) };
}

const queryServiceConfigW: (service: Handle, config: Address, length: number, needed: Uint32Array) => number =
  advapi32.func(
    'int __stdcall QueryServiceConfigW(intptr_t service, void *config, uint32 length, void *needed)',
  );
/** The most that it needs: https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-queryserviceconfigw */
const MAX_CONFIG_BYTES = 8 * 1024;
/** https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-query_service_configw on 64-bit Windows */
const CONFIG = { startType: 4, commandLine: 16 } as const;

export interface QueriedConfig {
  /** 2 starts with Windows, 3 on demand, 4 is disabled. */
  readonly startType: number;
  readonly commandLine: string;
}

export function queryConfig(service: Handle): QueriedConfig {
  const memory = allocate(MAX_CONFIG_BYTES);
  try {
    const needed = new Uint32Array(new ArrayBuffer(4));
    if (queryServiceConfigW(service, memory.address, MAX_CONFIG_BYTES, needed) === 0)
      throw lastError('QueryServiceConfigW');
    return {
      startType: memory.bytes.readUInt32LE(CONFIG.startType),
      commandLine: koffi.decode.string16(memory.bytes.readBigUInt64LE(CONFIG.commandLine)),
    };
  } finally {
    memory.free();
  }
}
