import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import koffi from 'koffi';

const RELAY = 'Z:\\project\\test\\support\\wine\\relay\\main.cjs';
const POWERSHELL = 'C:\\windows\\system32\\WindowsPowerShell\\v1.0\\powershell.exe';
const FOLDER = 'C:\\relay';
/** Of a program that carries its script in itself: https://nodejs.org/api/single-executable-applications.html */
const RESOURCE = 'NODE_SEA_BLOB';
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:';
const RT_RCDATA = 10;

const kernel32 = koffi.load('kernel32.dll');
const beginUpdate = kernel32.func('intptr_t __stdcall BeginUpdateResourceW(str16 file, bool deletes)');
const update = kernel32.func(
  'bool __stdcall UpdateResourceW(intptr_t handle, intptr_t type, str16 name, uint16 language, void *data, uint32 length)',
);
const endUpdate = kernel32.func('bool __stdcall EndUpdateResourceW(intptr_t handle, bool discards)');

/**
 * Lays node.exe with the relay in it over Wine's powershell.exe, which reads nothing and never ends. A script beside it would not
 * do: node.exe takes PowerShell's options for its own.
 */
export function installPowerShellRelay(): void {
  const [settings, blob] = [`${FOLDER}.json`, `${FOLDER}.blob`];
  writeFileSync(settings, JSON.stringify({ main: RELAY, output: blob, disableExperimentalSEAWarning: true }));
  execFileSync(process.execPath, ['--experimental-sea-config', settings], { stdio: 'ignore' });
  const data = readFileSync(blob);
  // The file has a link in the template of Windows' folder.
  rmSync(POWERSHELL);
  cpSync(process.execPath, POWERSHELL);
  const handle: unknown = beginUpdate(POWERSHELL, false);
  if (update(handle, RT_RCDATA, RESOURCE, 0, data, data.length) !== true || endUpdate(handle, false) !== true)
    throw new TypeError('powershell.exe cannot be written');
  const program = readFileSync(POWERSHELL);
  const at = program.indexOf(`${FUSE}0`);
  if (at === -1) throw new TypeError('node.exe has no fuse');
  program.write('1', at + FUSE.length, 'latin1');
  writeFileSync(POWERSHELL, program);
  rmSync(settings);
  rmSync(blob);
}
