import { run } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';

export interface QemuPrograms {
  readonly qemuProgram: string;
  readonly qemuImgProgram: string;
}

export interface QemuVersions {
  /** For example `7.2.22`. */
  readonly qemu: string;
  readonly qemuImg: string;
}

/**
 * Checks that the programs are installed, before anything is changed.
 * @throws MobyvmError MOBYVM_PROGRAM_MISSING with the package that provides the program
 */
export async function qemuPreflight(programs: QemuPrograms, signal: AbortSignal): Promise<QemuVersions> {
  const [qemu, qemuImg] = await Promise.all([
    versionOf(programs.qemuProgram, 'qemu-system-x86', signal),
    versionOf(programs.qemuImgProgram, 'qemu-utils', signal),
  ]);
  return { qemu, qemuImg };
}

async function versionOf(program: string, debianPackage: string, signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await run(program, ['--version'], { signal, timeoutMs: 10_000 });
    return /version (\d+(?:\.\d+)+)/.exec(stdout)?.[1] ?? 'unknown';
  } catch (error) {
    throw withPackage(error, program, debianPackage);
  }
}

/** Adds the Debian package that provides a missing program; other errors are returned unchanged. */
export function withPackage(error: unknown, program: string, debianPackage: string): unknown {
  if (!(error instanceof MobyvmError) || error.code !== 'MOBYVM_PROGRAM_MISSING') return error;
  return new MobyvmError(
    'MOBYVM_PROGRAM_MISSING',
    `The program "${program}" was not found.`,
    `Install it: apt-get install ${debianPackage}`,
    { cause: error, details: { program, package: debianPackage } },
  );
}
