/** https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_status */
export const SERVICE_STATE = {
  stopped: 1,
  startPending: 2,
  stopPending: 3,
  running: 4,
  continuePending: 5,
  pausePending: 6,
  paused: 7,
} as const;

export type ServiceStateName = keyof typeof SERVICE_STATE;

/** https://learn.microsoft.com/windows/win32/api/winsvc/nc-winsvc-lphandler_function_ex */
export const CONTROL = {
  stop: 1,
  interrogate: 4,
  shutdown: 5,
  powerEvent: 0xd,
  sessionChange: 0xe,
  preshutdown: 0xf,
} as const;

/** SERVICE_ACCEPT_ STOP, SHUTDOWN, POWEREVENT, SESSIONCHANGE, PRESHUTDOWN. */
export const ACCEPTED_WHILE_RUNNING = 0x1 | 0x4 | 0x40 | 0x80 | 0x100;

/** https://learn.microsoft.com/windows/win32/power/pbt-apmresumeautomatic */
export const RESUME_EVENTS: readonly number[] = [0x12, 0x7];

/** https://learn.microsoft.com/windows/win32/debug/system-error-codes--1000-1299- */
export const SERVICE_ERROR = {
  accessDenied: 5,
  callNotImplemented: 120,
  alreadyRunning: 1056,
  disabled: 1058,
  notInstalled: 1060,
  cannotAcceptNow: 1061,
  notActive: 1062,
  serviceSpecific: 1066,
  neverStarted: 1077,
  markedForDelete: 1072,
} as const;
