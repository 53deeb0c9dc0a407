/** Where a Windows folder and a console's pipe are on Linux. */
export interface WindowsPlaces {
  /** The folder that is `C:\` under Wine, absolute. */
  readonly drive: string;
  /** The unix socket in place of a named pipe. */
  readonly consoleSocket: string;
}

const PIPE = '\\\\.\\pipe\\mobyvm_console';

/** A value, with the paths of Windows in its texts as those of the Linux side. */
export function toLinux<T>(value: T, { drive, consoleSocket }: WindowsPlaces): T {
  return mapped(value, (text) => {
    if (text.toLowerCase() === PIPE) return consoleSocket;
    return /^C:\\/i.test(text) ? `${drive}/${text.slice(3).replaceAll('\\', '/')}` : text;
  }) as T;
}

/** The other way round. */
export function toWindows<T>(value: T, { drive, consoleSocket }: WindowsPlaces): T {
  return mapped(value, (text) => {
    if (text === consoleSocket) return PIPE;
    return text.startsWith(`${drive}/`) ? `C:\\${text.slice(drive.length + 1).replaceAll('/', '\\')}` : text;
  }) as T;
}

function mapped(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((each: unknown) => mapped(each, map));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mapped(each, map)]));
}
