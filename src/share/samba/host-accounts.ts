import { run } from '../../core/host/index.js';

/** An account of the host, as getent(1) lists it: files, LDAP, whatever the host asks. */
export interface HostAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** getent(1): the key was not found. */
const NOT_FOUND = 2;

/** @param key a name or a number; undefined if the host has no such account */
export async function findAccount(
  key: string | number,
  signal: AbortSignal,
): Promise<HostAccount | undefined> {
  const { stdout, exitCode } = await run('getent', ['--', 'passwd', String(key)], {
    signal,
    timeoutMs: 10_000,
    acceptExitCodes: [0, NOT_FOUND],
  });
  if (exitCode === NOT_FOUND) return undefined;
  const [name = '', , uid = '', gid = ''] = stdout.split('\n')[0]?.split(':') ?? [];
  return name === '' ? undefined : { name, uid: Number(uid), gid: Number(gid) };
}
