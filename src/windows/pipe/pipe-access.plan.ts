/**
 * FILE_GENERIC_READ | FILE_GENERIC_WRITE without FILE_CREATE_PIPE_INSTANCE (4): a client must not be able to
 * serve our pipe. https://learn.microsoft.com/windows/win32/ipc/named-pipe-security-and-access-rights
 */
const CONNECT = '0x12019b';

/**
 * The access list of a pipe in SDDL: SYSTEM and Administrators fully, the others may connect. Protected, so
 * that nothing is inherited. https://learn.microsoft.com/windows/win32/secauthz/ace-strings
 * @param sids of groups and users that may connect
 */
export function pipeAccessList(sids: readonly string[]): string {
  const others = [...new Set(sids)].map((sid) => `(A;;${CONNECT};;;${sid})`);
  return ['D:P(A;;GA;;;SY)(A;;GA;;;BA)', ...others].join('');
}

const MAX_NAME_LENGTH = 256;

/** https://learn.microsoft.com/windows/win32/ipc/pipe-names */
export function pipeNameProblem(name: string): 'not a pipe' | 'too long' | undefined {
  if (!/^\\\\\.\\pipe\\[^\\\0]+$/i.test(name)) return 'not a pipe';
  return name.length > MAX_NAME_LENGTH ? 'too long' : undefined;
}
