import { lastError } from './last-error.js';
import { advapi32, type Handle } from './libraries.js';

/** https://learn.microsoft.com/windows/win32/eventlog/event-types */
export const EVENT_TYPE = { error: 1, warning: 2, information: 4 } as const;

const registerEventSource: (server: null, source: string) => Handle = advapi32.func(
  'intptr_t __stdcall RegisterEventSourceW(str16 server, str16 source)',
);
const deregisterEventSource: (log: Handle) => number = advapi32.func(
  'int __stdcall DeregisterEventSource(intptr_t log)',
);
const reportEventW: (
  log: Handle,
  type: number,
  category: number,
  id: number,
  user: null,
  count: number,
  dataBytes: number,
  texts: readonly string[],
  data: null,
) => number = advapi32.func(
  'int __stdcall ReportEventW(intptr_t log, uint16 type, uint16 category, uint32 id, void *user, uint16 count, uint32 dataBytes, str16 *texts, void *data)',
);

/** https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-reporteventw */
export function reportEvent(source: string, type: number, id: number, text: string): void {
  const log = registerEventSource(null, source);
  if (log === 0) throw lastError('RegisterEventSourceW');
  try {
    if (reportEventW(log, type, 0, id, null, 1, 0, [text], null) === 0) throw lastError('ReportEventW');
  } finally {
    deregisterEventSource(log);
  }
}
