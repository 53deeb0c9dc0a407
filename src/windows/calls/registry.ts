import { ERROR } from '../error-codes.js';
import { lastError } from './last-error.js';
import { advapi32 } from './libraries.js';

const regGetValue: (
  key: number,
  subKey: string,
  value: string,
  flags: number,
  type: null,
  data: Buffer,
  length: Uint32Array,
) => number = advapi32.func(
  'int32 __stdcall RegGetValueW(intptr_t key, str16 subKey, str16 value, uint32 flags, void *type, void *data, void *length)',
);

/** HKEY_LOCAL_MACHINE of winreg.h, as the sign-extended handle that it is on 64-bit Windows. */
const LOCAL_MACHINE = -0x7fff_fffe;
/** RRF_RT_REG_SZ, RRF_RT_REG_DWORD and RRF_RT_REG_MULTI_SZ: values of other types count as missing. */
const ONLY = { text: 0x2, number: 0x10, texts: 0x20 } as const;
/** RRF_RT_REG_EXPAND_SZ and RRF_NOEXPAND: a text with variables, as it was set. */
const UNEXPANDED = 0x1000_0004;
const REG_EXPAND_SZ = 2;
const REG_DWORD = 4;
const MAX_BYTES = 65_536;

/**
 * A value below HKEY_LOCAL_MACHINE; undefined if there is none of that type.
 * https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-reggetvaluew
 */
function valueOf(subKey: string, value: string, type: number): Buffer | undefined {
  const data = Buffer.alloc(MAX_BYTES);
  const length = new Uint32Array(new ArrayBuffer(4)).fill(MAX_BYTES);
  const code = regGetValue(LOCAL_MACHINE, subKey, value, type, null, data, length);
  if (code === ERROR.fileNotFound || code === ERROR.unsupportedType) return undefined;
  if (code !== ERROR.success) throw lastError('RegGetValueW', code);
  return data.subarray(0, length[0]);
}

export function registryText(subKey: string, value: string): string | undefined {
  return valueOf(subKey, value, ONLY.text)?.toString('utf16le').replace(/\0.*$/s, '');
}

export function registryNumber(subKey: string, value: string): number | undefined {
  return valueOf(subKey, value, ONLY.number)?.readUInt32LE(0);
}

/** A text with variables such as `%SystemRoot%`, as it was set. */
export function unexpandedText(subKey: string, value: string): string | undefined {
  return valueOf(subKey, value, UNEXPANDED)?.toString('utf16le').replace(/\0.*$/s, '');
}

/** Each ends with a zero, and the list with an empty text. */
export function registryTexts(subKey: string, value: string): readonly string[] | undefined {
  const texts = valueOf(subKey, value, ONLY.texts)?.toString('utf16le').split('\0');
  return texts?.filter((text) => text !== '');
}

/** https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regopenkeyexw */
const regOpenKey: (
  key: number,
  subKey: string,
  options: number,
  access: number,
  opened: BigInt64Array,
) => number = advapi32.func(
  'int32 __stdcall RegOpenKeyExW(intptr_t key, str16 subKey, uint32 options, uint32 access, void *opened)',
);
const regEnumKey: (
  key: number,
  index: number,
  name: Buffer,
  length: Uint32Array,
  reserved: null,
  keyClass: null,
  classLength: null,
  written: null,
) => number = advapi32.func(
  'int32 __stdcall RegEnumKeyExW(intptr_t key, uint32 index, void *name, void *length, void *reserved, void *keyClass, void *classLength, void *written)',
);
/** https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regclosekey */
const regCloseKey: (key: number) => number = advapi32.func('int32 __stdcall RegCloseKey(intptr_t key)');

const KEY_ENUMERATE_SUB_KEYS = 0x8;
/** https://learn.microsoft.com/windows/win32/sysinfo/registry-element-size-limits */
const MAX_NAME_CHARACTERS = 256;
const MAX_KEYS = 10_000;

/**
 * The names of the keys in a key below HKEY_LOCAL_MACHINE; none if there is no such key.
 * https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regenumkeyexw
 */
export function registryKeys(subKey: string): readonly string[] {
  const opened = new BigInt64Array(new ArrayBuffer(8));
  const code = regOpenKey(LOCAL_MACHINE, subKey, 0, KEY_ENUMERATE_SUB_KEYS, opened);
  if (code === ERROR.fileNotFound) return [];
  if (code !== ERROR.success) throw lastError('RegOpenKeyExW', code);
  const key = Number(opened[0]);
  try {
    const names: string[] = [];
    for (let index = 0; index < MAX_KEYS; index++) {
      const name = Buffer.alloc(MAX_NAME_CHARACTERS * 2);
      const length = new Uint32Array(new ArrayBuffer(4)).fill(MAX_NAME_CHARACTERS);
      const result = regEnumKey(key, index, name, length, null, null, null, null);
      if (result === ERROR.noMoreItems) return names;
      if (result !== ERROR.success) throw lastError('RegEnumKeyExW', result);
      names.push(name.toString('utf16le', 0, (length[0] ?? 0) * 2));
    }
    return names;
  } finally {
    regCloseKey(key);
  }
}

const regSetKeyValue: (
  key: number,
  subKey: string,
  value: string,
  type: number,
  data: Buffer,
  length: number,
) => number = advapi32.func(
  'int32 __stdcall RegSetKeyValueW(intptr_t key, str16 subKey, str16 value, uint32 type, void *data, uint32 length)',
);
const regDeleteTree: (key: number, subKey: string) => number = advapi32.func(
  'int32 __stdcall RegDeleteTreeW(intptr_t key, str16 subKey)',
);

/** A text with variables such as `%SystemRoot%`, or a number of 32 bits. */
export type RegistryValue = { readonly expanded: string } | number;

/**
 * Sets a value below HKEY_LOCAL_MACHINE; creates the key if it is missing.
 * https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regsetkeyvaluew
 */
export function setRegistryValue(subKey: string, name: string, value: RegistryValue): void {
  const isNumber = typeof value === 'number';
  const data = isNumber ? Buffer.alloc(4) : Buffer.from(`${value.expanded}\0`, 'utf16le');
  if (isNumber) data.writeUInt32LE(value);
  const type = isNumber ? REG_DWORD : REG_EXPAND_SZ;
  const code = regSetKeyValue(LOCAL_MACHINE, subKey, name, type, data, data.length);
  if (code !== ERROR.success) throw lastError('RegSetKeyValueW', code);
}

/** A key below HKEY_LOCAL_MACHINE with all that is in it: https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regdeletetreew */
export function deleteRegistryKey(subKey: string): void {
  const code = regDeleteTree(LOCAL_MACHINE, subKey);
  if (code !== ERROR.success && code !== ERROR.fileNotFound) throw lastError('RegDeleteTreeW', code);
}
