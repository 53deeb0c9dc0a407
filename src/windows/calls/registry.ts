import { lastError } from './last-error.js';
import { advapi32, type Handle } from './libraries.js';

/** Predefined keys are sign-extended numbers of 32 bits: https://learn.microsoft.com/windows/win32/sysinfo/predefined-keys */
const HKEY_LOCAL_MACHINE: Handle = -0x7fff_fffe;
const REG_EXPAND_SZ = 2;
const REG_DWORD = 4;
const ERROR_FILE_NOT_FOUND = 2;

const setKeyValue: (
  key: Handle,
  subKey: string,
  name: string,
  type: number,
  data: Buffer,
  length: number,
) => number = advapi32.func(
  'int32 __stdcall RegSetKeyValueW(intptr_t key, str16 subKey, str16 name, uint32 type, void *data, uint32 length)',
);
const deleteTreeW: (key: Handle, subKey: string) => number = advapi32.func(
  'int32 __stdcall RegDeleteTreeW(intptr_t key, str16 subKey)',
);
const getValueW: (
  key: Handle,
  subKey: string,
  name: string,
  flags: number,
  type: null,
  data: Buffer,
  length: Uint32Array,
) => number = advapi32.func(
  'int32 __stdcall RegGetValueW(intptr_t key, str16 subKey, str16 name, uint32 flags, void *type, void *data, void *length)',
);

/** A text with variables such as `%SystemRoot%`, or a number of 32 bits. */
export type MachineValue = { readonly expanded: string } | number;

/**
 * Sets a value below HKEY_LOCAL_MACHINE; creates the key if it is missing.
 * https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regsetkeyvaluew
 */
export function setMachineValue(subKey: string, name: string, value: MachineValue): void {
  const isNumber = typeof value === 'number';
  const data = isNumber ? Buffer.alloc(4) : Buffer.from(`${value.expanded}\0`, 'utf16le');
  if (isNumber) data.writeUInt32LE(value);
  const type = isNumber ? REG_DWORD : REG_EXPAND_SZ;
  const code = setKeyValue(HKEY_LOCAL_MACHINE, subKey, name, type, data, data.length);
  if (code !== 0) throw lastError('RegSetKeyValueW', code);
}

const RRF_RT_REG_EXPAND_SZ = 0x4;
const RRF_NOEXPAND = 0x1000_0000;
const MAX_TEXT_BYTES = 4096;

/** A text below HKEY_LOCAL_MACHINE as it was set; undefined if there is none. */
export function machineText(subKey: string, name: string): string | undefined {
  const data = Buffer.alloc(MAX_TEXT_BYTES);
  const length = new Uint32Array(new ArrayBuffer(4)).fill(MAX_TEXT_BYTES);
  const flags = RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND;
  if (getValueW(HKEY_LOCAL_MACHINE, subKey, name, flags, null, data, length) !== 0) return undefined;
  return data.toString('utf16le', 0, (length[0] ?? 0) - 2);
}

/** A key below HKEY_LOCAL_MACHINE with all that is in it: https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regdeletetreew */
export function deleteMachineKey(subKey: string): void {
  const code = deleteTreeW(HKEY_LOCAL_MACHINE, subKey);
  if (code !== 0 && code !== ERROR_FILE_NOT_FOUND) throw lastError('RegDeleteTreeW', code);
}
