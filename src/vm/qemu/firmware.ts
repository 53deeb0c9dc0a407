import { copyFile, rename, rm } from 'node:fs/promises';
import { diskFullError, statIfPresent } from '../../core/host/index.js';
import { errnoOf, MobyvmError } from '../../core/values/index.js';
import type { VmSpec } from '../driver.js';
import type { Firmware } from './command-line.plan.js';

/**
 * An OVMF build: the code, and the initial variables for a new machine. Both must come from the same build.
 */
export interface OvmfFiles {
  readonly codePath: string;
  readonly variablesTemplatePath: string;
}

/** Where distributions install OVMF without Secure Boot: Debian and Ubuntu (two sizes), Fedora, Arch. */
export const OVMF_BUILDS: readonly OvmfFiles[] = [
  ovmf('/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'),
  ovmf('/usr/share/OVMF/OVMF_CODE.fd', '/usr/share/OVMF/OVMF_VARS.fd'),
  ovmf('/usr/share/edk2/ovmf/OVMF_CODE.fd', '/usr/share/edk2/ovmf/OVMF_VARS.fd'),
  ovmf('/usr/share/edk2/x64/OVMF_CODE.4m.fd', '/usr/share/edk2/x64/OVMF_VARS.4m.fd'),
];

/**
 * Finds the firmware and, for UEFI, gives the machine its own variables. Existing ones are kept.
 * @throws MobyvmError MOBYVM_PROGRAM_MISSING if OVMF is not installed, MOBYVM_DISK_FULL
 */
export async function prepareFirmware(
  kind: VmSpec['firmware'],
  variablesPath: string,
  builds: readonly OvmfFiles[] = OVMF_BUILDS,
): Promise<Firmware> {
  if (kind === 'bios') return { kind };
  for (const { codePath, variablesTemplatePath } of builds) {
    const size = (await statIfPresent(variablesTemplatePath))?.size;
    if (size === undefined || (await statIfPresent(codePath)) === undefined) continue;
    // A copy of a different size comes from another build and would not boot.
    if ((await statIfPresent(variablesPath))?.size !== size)
      await copyAtomically(variablesTemplatePath, variablesPath);
    return { kind, codePath, variablesPath };
  }
  throw new MobyvmError(
    'MOBYVM_PROGRAM_MISSING',
    `The UEFI firmware OVMF was not found (looked for ${builds.map((build) => build.codePath).join(', ')}).`,
    'Install it: apt-get install ovmf; or set `vm.firmware` to `bios`.',
    { details: { package: 'ovmf' } },
  );
}

function ovmf(codePath: string, variablesTemplatePath: string): OvmfFiles {
  return { codePath, variablesTemplatePath };
}

async function copyAtomically(from: string, to: string): Promise<void> {
  const temporary = `${to}.new`;
  try {
    await copyFile(from, temporary);
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true });
    throw errnoOf(error) === 'ENOSPC' ? diskFullError(to, error) : error;
  }
}
