import { WindowsCallError } from '../windows-call-error.js';
import { kernel32 } from './libraries.js';

/** https://learn.microsoft.com/windows/win32/api/errhandlingapi/nf-errhandlingapi-getlasterror */
export const getLastError: () => number = kernel32.func('uint32 __stdcall GetLastError()');

/** https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-formatmessagew */
const formatMessage: (
  flags: number,
  source: null,
  code: number,
  language: number,
  text: Buffer,
  length: number,
  inserts: null,
) => number = kernel32.func(
  'uint32 __stdcall FormatMessageW(uint32 flags, void *source, uint32 code, uint32 language, void *text, uint32 length, void *inserts)',
);

// FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK (no line breaks).
const FORMAT_FLAGS = 0x1000 | 0x200 | 0xff;
const MAX_CHARACTERS = 512;

/** The system's text for an error code in the user's language; empty if it has none. */
export function errorText(code: number): string {
  const text = Buffer.alloc(MAX_CHARACTERS * 2);
  const length = formatMessage(FORMAT_FLAGS, null, code, 0, text, MAX_CHARACTERS, null);
  return text.toString('utf16le', 0, length * 2).trim();
}

/** The error of the call that has just failed on this thread. */
export function lastError(call: string, code = getLastError()): WindowsCallError {
  return new WindowsCallError(call, code, errorText(code));
}
