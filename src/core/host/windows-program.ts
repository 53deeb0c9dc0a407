import { win32 } from 'node:path';

/**
 * The absolute path of a System32 program; never resolved through PATH, which can be hijacked.
 * @param name relative to `System32`, without `.exe`, for example `netsh`
 * @param systemRoot the value of the `SystemRoot` variable
 */
export function windowsProgram(name: string, systemRoot = 'C:\\Windows'): string {
  return win32.join(systemRoot, 'System32', `${name}.exe`);
}
