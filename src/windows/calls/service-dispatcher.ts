import koffi from 'koffi';
import { THIS_PROCESS } from './handles.js';
import { lastError } from './last-error.js';
import { advapi32, kernel32, type Address, type Handle } from './libraries.js';

/** https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_status */
const SERVICE_STATUS = koffi.struct({
  type: 'uint32',
  state: 'uint32',
  accepted: 'uint32',
  exitCode: 'uint32',
  specificExitCode: 'uint32',
  checkPoint: 'uint32',
  waitHintMs: 'uint32',
});

export interface ServiceStatusFields {
  readonly type: number;
  readonly state: number;
  readonly accepted: number;
  readonly exitCode: number;
  readonly specificExitCode: number;
  readonly checkPoint: number;
  readonly waitHintMs: number;
}

/** https://learn.microsoft.com/windows/win32/api/winsvc/nc-winsvc-lpservice_main_functionw */
const SERVICE_MAIN = koffi.proto('void __stdcall MobyvmServiceMain(uint32 count, void *args)');
/** https://learn.microsoft.com/windows/win32/api/winsvc/nc-winsvc-lphandler_function_ex */
const HANDLER = koffi.proto(
  'uint32 __stdcall MobyvmHandler(uint32 control, uint32 event, void *data, void *context)',
);

const registerServiceCtrlHandler: (name: string, handler: unknown, context: null) => Handle = advapi32.func(
  '__stdcall',
  'RegisterServiceCtrlHandlerExW',
  'intptr_t',
  ['str16', koffi.pointer(HANDLER), 'void *'],
);
const setServiceStatus: (handle: Handle, status: ServiceStatusFields) => number = advapi32.func(
  '__stdcall',
  'SetServiceStatus',
  'int',
  ['intptr_t', koffi.pointer(SERVICE_STATUS)],
);

/** The address of a ServiceMain. It is called on a thread of Windows, and runs on the one that has created it. */
export function serviceMainOf(onStart: (args: readonly string[]) => void): Address {
  const start = (count: number, args: unknown): void => {
    const texts: unknown = koffi.decode(args, koffi.array('str16', count));
    onStart(Array.isArray(texts) ? texts.map(String) : []);
  };
  return koffi.address(koffi.register(start, koffi.pointer(SERVICE_MAIN)));
}

/**
 * To be called by ServiceMain.
 * @param onControl returns an error code
 * @returns the handle for `setStatus`
 * https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-registerservicectrlhandlerexw
 */
export function handleControls(name: string, onControl: (control: number, event: number) => number): Handle {
  const handler = koffi.register(
    (control: number, event: number) => onControl(control, event),
    koffi.pointer(HANDLER),
  );
  const handle = registerServiceCtrlHandler(name, handler, null);
  if (handle === 0) throw lastError('RegisterServiceCtrlHandlerExW');
  return handle;
}

/** https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-setservicestatus */
export function setStatus(handle: Handle, status: ServiceStatusFields): void {
  if (setServiceStatus(handle, status) === 0) throw lastError('SetServiceStatus');
}

/**
 * Connects the process to the service control manager and returns when its services have stopped.
 * https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-startservicectrldispatcherw
 * @param table SERVICE_TABLE_ENTRYW: name and ServiceMain of each service, then two null pointers
 */
export const startServiceCtrlDispatcher: (table: Address) => number = advapi32.func(
  'int __stdcall StartServiceCtrlDispatcherW(void *table)',
);

const terminateProcess: (process: Handle, code: number) => number = kernel32.func(
  'int __stdcall TerminateProcess(intptr_t process, uint32 code)',
);

/** Ends this process here and now: https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-terminateprocess */
export function terminateSelf(code: number): void {
  terminateProcess(THIS_PROCESS, code);
}
