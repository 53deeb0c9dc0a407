import { createHash } from 'node:crypto';
import { cp, mkdtemp, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../../../src/core/host/index.js';
import { errnoOf } from '../../../src/core/values/index.js';

const SOURCES = join(import.meta.dirname, 'console');
/** No network requests, no announcements, no servers left running. */
const QUIET_SDK = {
  DOTNET_CLI_TELEMETRY_OPTOUT: '1',
  DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE: 'true',
  DOTNET_GENERATE_ASPNET_CERTIFICATE: 'false',
  DOTNET_NOLOGO: '1',
  DOTNET_CLI_USE_MSBUILD_SERVER: '0',
  MSBUILDDISABLENODEREUSE: '1',
  NUGET_CERT_REVOCATION_MODE: 'offline',
  UseSharedCompilation: 'false',
};
const TARGET = resolve(import.meta.dirname, '../../../build/pwsh-host');

/** A real PowerShell 7 that is used instead of the console: where there is no .NET SDK to build that, and once more where there is. */
const REAL = process.env['MOBYVM_TEST_PWSH'];

/** Only the console can be told its language mode. */
export const HAS_LANGUAGE_SWITCH = REAL === undefined;

/** Those that a session can be tested in. */
export const LANGUAGE_MODES = HAS_LANGUAGE_SWITCH
  ? (['FullLanguage', 'ConstrainedLanguage'] as const)
  : (['FullLanguage'] as const);

/** Only the real one runs a script from a file. */
export const RUNS_SCRIPTS = REAL !== undefined;

/** Only the console looks at scripts without running them. */
export const HAS_SCRIPT_CHECK = REAL === undefined;

/** Why there is no console on this machine; undefined if there is one, or one can be built. */
export async function consoleObstacle(): Promise<string | undefined> {
  if (REAL !== undefined) return undefined;
  const sdks = await run('dotnet', ['--list-sdks'], { env: { ...process.env, ...QUIET_SDK } }).then(
    ({ stdout }) => stdout,
    () => '',
  );
  return /^10\./m.test(sdks) ? undefined : 'neither the .NET SDK 10 (dotnet) nor pwsh is installed';
}

/** The absolute path of a console over PowerShell's engine, built once for each state of its sources. Needs a .NET SDK. */
export async function consoleProgram(): Promise<string> {
  if (REAL !== undefined) return REAL;
  const hash = createHash('sha256');
  const names = (await readdir(SOURCES)).sort();
  for (const name of names) hash.update(`${name}\0`).update(await readFile(join(SOURCES, name)));
  const folder = join(TARGET, hash.digest('hex').slice(0, 16));
  const program = join(folder, 'pwsh-host');
  if (await exists(program)) return program;
  const work = await mkdtemp(join(tmpdir(), 'mobyvm-pwsh-host-'));
  try {
    // Beside the sources it would leave its intermediate files.
    await cp(SOURCES, work, { recursive: true });
    const place = [
      '-c',
      'Release',
      '--use-current-runtime',
      '--self-contained',
      'false',
      '-o',
      join(work, 'out'),
    ];
    // Build servers would stay for ten minutes after the build.
    await run('dotnet', ['publish', work, ...place, '--disable-build-servers', '-v', 'quiet'], {
      timeoutMs: 900_000,
      env: { ...process.env, ...QUIET_SDK },
    });
    await mkdir(TARGET, { recursive: true });
    await cp(join(work, 'out'), `${folder}.new`, { recursive: true });
    await renameUnlessThere(`${folder}.new`, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return program;
}

async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes(errnoOf(error) ?? '')) throw error;
    await rm(from, { recursive: true, force: true });
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
