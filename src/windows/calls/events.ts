import { kernel32, type Handle } from './libraries.js';

/**
 * 0 if it fails. An event without a name, which a wait resets unless it is to stay signalled.
 * https://learn.microsoft.com/windows/win32/api/synchapi/nf-synchapi-createeventw
 */
export const createEvent: (
  attributes: null,
  staysSignalled: number,
  isSignalled: number,
  name: null,
) => Handle = kernel32.func(
  'intptr_t __stdcall CreateEventW(void *attributes, int staysSignalled, int isSignalled, str16 name)',
);
