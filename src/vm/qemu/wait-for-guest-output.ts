import { waitFor } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { parseBootStage } from '../console/index.js';
import type { VmConsole } from '../driver.js';
import type { QemuMachine } from './qemu-machine.js';

/**
 * With a working KVM a guest prints its first line within 5 s, also with UEFI; a very busy host may need
 * longer.
 */
const FIRST_OUTPUT_SECONDS = 45;

/**
 * Waits until the guest's own programs write to its console, which means that the boot loader and the kernel
 * work.
 * @throws MobyvmError MOBYVM_VM_START if the machine stops or exits, or nothing is printed in time
 */
export async function waitForGuestOutput(
  machine: QemuMachine,
  console: VmConsole,
  signal: AbortSignal,
): Promise<void> {
  let problem: MobyvmError | undefined;
  const check = async (): Promise<boolean> => {
    if ((await console.tail(50)).some((line) => parseBootStage(line) !== undefined)) return true;
    const state = machine.hasExited ? undefined : await machine.state(signal);
    if (state !== 'running') problem = guestNotStartedError(state ?? 'gone');
    return false;
  };
  await waitFor(
    {
      title: "the guest's first console output",
      code: 'MOBYVM_VM_START',
      timeoutSeconds: FIRST_OUTPUT_SECONDS,
      hint: 'If this keeps happening, set `vm.accelerator` to `tcg`.',
      everyMs: 100,
      giveUp: () => {
        if (problem !== undefined) throw problem;
      },
      check,
    },
    signal,
  );
}

function guestNotStartedError(state: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_VM_START',
    `The guest did not start: the virtual machine is ${state}.`,
    'If this keeps happening, set `vm.accelerator` to `tcg`.',
  );
}
