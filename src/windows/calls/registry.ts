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
/** RRF_RT_REG_SZ. */
const ONLY_TEXT = 0x2;
const MAX_BYTES = 65_536;

/**
 * A text in the registry, below HKEY_LOCAL_MACHINE; undefined if there is none.
 * https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-reggetvaluew
 */
export function registryText(subKey: string, value: string): string | undefined {
  const data = Buffer.alloc(MAX_BYTES);
  const length = new Uint32Array(new ArrayBuffer(4)).fill(MAX_BYTES);
  const code = regGetValue(LOCAL_MACHINE, subKey, value, ONLY_TEXT, null, data, length);
  if (code === ERROR.fileNotFound) return undefined;
  if (code !== ERROR.success) throw lastError('RegGetValueW', code);
  return data.toString('utf16le', 0, length[0]).replace(/\0.*$/s, '');
}
