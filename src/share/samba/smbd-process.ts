import { readdir, readFile, readlink } from 'node:fs/promises';
import {
  findProcess,
  isAlive,
  killProcess,
  readFileIfPresent,
  waitFor,
  type ProcessIdentity,
} from '../../core/host/index.js';
import { errnoOf } from '../../core/values/index.js';
import type { SambaPaths } from './smb-conf.plan.js';

/** How long smbd may take to end by SIGTERM. */
const END_SECONDS = 5;

/** The argument by which a process is known to be ours. */
export function configArgument(paths: SambaPaths): string {
  return `--configfile=${paths.config}`;
}

/** The server that runs now, whichever daemon started it: smbd's own pid file, checked by its arguments. */
export async function findServer(paths: SambaPaths): Promise<ProcessIdentity | undefined> {
  const pid = Number((await readFileIfPresent(paths.pidFile))?.trim());
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  const found = await findProcess(pid);
  return found?.args.includes(configArgument(paths)) === true
    ? { pid: found.pid, startId: found.startId }
    : undefined;
}

/** Whether the process has the port at the address in its own network namespace. */
export async function listensOn({ pid }: ProcessIdentity, address: string, port: number): Promise<boolean> {
  try {
    const inodes = listenerInodes(await readFile(`/proc/${pid}/net/tcp`, 'utf8'), address, port);
    if (inodes.length === 0) return false;
    for (const fd of await readdir(`/proc/${pid}/fd`)) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (inodes.some((inode) => target === `socket:[${inode}]`)) return true;
    }
    return false;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return false;
    throw error;
  }
}

/**
 * Ends the server and the processes that serve its clients. They are in a session of their own, whose number is
 * the server's pid; if another process has that pid now, there is no such session.
 */
export async function endServer(server: ProcessIdentity): Promise<void> {
  const members = await sessionOf(server);
  if (await isAlive(server)) {
    send(server.pid, 'SIGTERM');
    // A stopped process would keep the signal waiting.
    send(server.pid, 'SIGCONT');
  }
  const gone = async (): Promise<boolean> => (await living([server, ...members])).length === 0;
  const waited = waitFor(
    { title: 'smbd to end', timeoutSeconds: END_SECONDS, hint: '', everyMs: 50, check: gone },
    new AbortController().signal,
  );
  await waited.catch(async () => {
    for (const each of await living([server, ...members, ...(await sessionOf(server))]))
      await killProcess(each);
  });
}

/** The processes of the server's session without the server; none once its pid is another's. */
async function sessionOf({ pid, startId }: ProcessIdentity): Promise<readonly ProcessIdentity[]> {
  const leader = await findProcess(pid);
  const isOthers = leader !== undefined && leader.startId !== startId;
  if (isOthers || !startId.startsWith(`${await bootId()}/`)) return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.filter((each) => each !== pid).map((each) => inSession(each, pid)));
  return found.filter((each) => each !== undefined);
}

async function inSession(pid: number, session: number): Promise<ProcessIdentity | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Field 6 of https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; the name before it may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (Number(fields[3]) !== session) return undefined;
  const found = await findProcess(pid);
  return found === undefined ? undefined : { pid, startId: found.startId };
}

async function living(processes: readonly ProcessIdentity[]): Promise<readonly ProcessIdentity[]> {
  const alive = await Promise.all(processes.map(isAlive));
  return processes.filter((_, index) => alive[index]);
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** The inodes of sockets that listen there: https://docs.kernel.org/networking/proc_net_tcp.html. */
function listenerInodes(table: string, address: string, port: number): readonly string[] {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  const local = `${bytes.reverse().join('')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1] === local && fields[3] === '0A')
    .map((fields) => fields[9] ?? '');
}
