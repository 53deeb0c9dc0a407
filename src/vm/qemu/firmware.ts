import { copyFile, rename, rm } from 'node:fs/promises';
import { diskFull, statIfPresent } from '../../core/host/index.js';
import { errnoOf, MobyvmError } from '../../core/values/index.js';
import type { VmSpec } from '../driver.js';
import type { Firmware } from './command-line.plan.js';

/** An OVMF build: the code, and the variables that a new machine starts with. Both have to be of one build. */
export interface OvmfFiles {
  readonly codePath: string;
  readonly variablesTemplatePath: string;
}

/** Where distributions put OVMF without Secure Boot: Debian and Ubuntu (two sizes), Fedora, Arch. */
export const OVMF_PLACES: readonly OvmfFiles[] = [
  ovmf('/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'),
  ovmf('/usr/share/OVMF/OVMF_CODE.fd', '/usr/share/OVMF/OVMF_VARS.fd'),
  ovmf('/usr/share/edk2/ovmf/OVMF_CODE.fd', '/usr/share/edk2/ovmf/OVMF_VARS.fd'),
  ovmf('/usr/share/edk2/x64/OVMF_CODE.4m.fd', '/usr/share/edk2/x64/OVMF_VARS.4m.fd'),
];

/**
 * Finds the firmware and, for UEFI, gives the machine its own variables. Those that exist are kept.
 * @throws MobyvmError MOBYVM_PROGRAM_MISSING when OVMF is not installed, MOBYVM_DISK_FULL
 */
export async function prepareFirmware(
  kind: VmSpec['firmware'],
  variablesPath: string,
  places: readonly OvmfFiles[] = OVMF_PLACES,
): Promise<Firmware> {
  if (kind === 'bios') return { kind };
  for (const { codePath, variablesTemplatePath } of places) {
    const size = (await statIfPresent(variablesTemplatePath))?.size;
    if (size === undefined || (await statIfPresent(codePath)) === undefined) continue;
    // A copy of another size belongs to another build and would not start.
    if ((await statIfPresent(variablesPath))?.size !== size)
      await copyWhole(variablesTemplatePath, variablesPath);
    return { kind, codePath, variablesPath };
  }
  throw new MobyvmError(
    'MOBYVM_PROGRAM_MISSING',
    `The UEFI firmware OVMF was not found (looked for ${places.map((place) => place.codePath).join(', ')}).`,
    'Install it: apt-get install ovmf; or set the firmware to bios.',
    { details: { package: 'ovmf' } },
  );
}

function ovmf(codePath: string, variablesTemplatePath: string): OvmfFiles {
  return { codePath, variablesTemplatePath };
}

async function copyWhole(from: string, to: string): Promise<void> {
  const temporary = `${to}.new`;
  try {
    await copyFile(from, temporary);
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true });
    throw errnoOf(error) === 'ENOSPC' ? diskFull(to, error) : error;
  }
}
