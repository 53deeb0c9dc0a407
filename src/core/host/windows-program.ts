import { win32 } from 'node:path';

/**
 * The place of a program that comes with Windows, as what stands first on PATH is anybody's.
 * @param name below `System32`, without `.exe`, for example `netsh`
 * @param systemRoot the variable `SystemRoot`
 */
export function windowsProgram(name: string, systemRoot = 'C:\\Windows'): string {
  return win32.join(systemRoot, 'System32', `${name}.exe`);
}
