import { open, rm, stat } from 'node:fs/promises';
import { findProcess, sleep, startProgram, type ProcessIdentity } from '../../core/host/index.js';
import { errnoOf, MobyvmError } from '../../core/values/index.js';
import { configArgument, endServer, listensOn } from './smbd-process.js';
import type { SambaPrograms } from './samba-options.js';
import type { SambaPaths } from './smb-conf.plan.js';

const START_SECONDS = 30;
/** The most of the log that is read to explain a failed start. */
const MAX_LOG_BYTES = 16_384;

/** `in-use`: another program has the port. */
export type Started = { readonly server: ProcessIdentity } | { readonly inUse: true };

/**
 * Starts smbd in a session of its own and waits until it listens.
 * @throws MobyvmError MOBYVM_SHARE_SERVER with its last words, MOBYVM_PROGRAM_MISSING
 */
export async function startSmbd(
  paths: SambaPaths,
  [program, ...first]: SambaPrograms['smbd'],
  {
    address,
    port,
    signal,
  }: { readonly address: string; readonly port: number; readonly signal: AbortSignal },
): Promise<Started> {
  const logged = await sizeOf(paths.log);
  await rm(paths.pidFile, { force: true });
  const child = await startProgram(
    program,
    // Without a process group of its own making: it has its session already.
    [...first, '--foreground', '--no-process-group', configArgument(paths)],
    { output: { file: paths.log } },
  ).catch((error: unknown) => {
    throw withPackage(error);
  });
  const found = await findProcess(child.pid);
  const server = found && { pid: found.pid, startId: found.startId };
  try {
    const deadline = performance.now() + START_SECONDS * 1_000;
    while (server !== undefined && child.exitCode === undefined && performance.now() < deadline) {
      if (await listensOn(server, address, port)) return { server };
      await sleep(25, signal);
    }
  } catch (error) {
    if (server !== undefined) await endServer(server);
    throw error;
  }
  const words = await logSince(paths.log, logged);
  if (words.includes('Address already in use')) return { inUse: true };
  const isMute = child.exitCode === undefined;
  if (server !== undefined) await endServer(server);
  throw serverStartError(isMute ? `does not listen after ${START_SECONDS} s` : 'ended at once', words, paths);
}

/** Adds the Debian package to the error of a missing program. */
export function withPackage(error: unknown): unknown {
  if (!(error instanceof MobyvmError) || error.code !== 'MOBYVM_PROGRAM_MISSING') return error;
  const program = String(error.details['program'] ?? 'smbd');
  return new MobyvmError(
    'MOBYVM_PROGRAM_MISSING',
    `The program "${program}" was not found; it serves the shares.`,
    'Install it: apt-get install --no-install-recommends samba',
    { cause: error, details: { program, package: 'samba' } },
  );
}

function serverStartError(problem: string, words: string, paths: SambaPaths): MobyvmError {
  const last = words
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim())
    .slice(-3)
    .join('; ');
  return new MobyvmError(
    'MOBYVM_SHARE_SERVER',
    `The server for shares (smbd) ${problem}${last === '' ? '' : `: ${last}`}.`,
    `See ${paths.log}.`,
  );
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

async function logSince(path: string, offset: number): Promise<string> {
  const size = await sizeOf(path);
  if (size === 0) return '';
  await using file = await open(path, 'r');
  // A rotated log begins at 0 again.
  const from = Math.max(size < offset ? 0 : offset, size - MAX_LOG_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_LOG_BYTES), 0, MAX_LOG_BYTES, from);
  return buffer.toString('utf8', 0, bytesRead);
}
