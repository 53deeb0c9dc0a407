import { waitFor } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { parseBootStage } from '../console/index.js';
import type { VmConsole } from '../driver.js';
import type { QemuMachine } from './qemu-machine.js';

/** Where KVM works, a guest says its first words within 5 s, by UEFI too; a host that is very busy may need longer. */
const FIRST_WORDS_SECONDS = 45;

/**
 * Waits until the guest's own programs speak on its console, so that its boot loader and its kernel have run.
 * @throws MobyvmError MOBYVM_VM_START when the machine stands still or ends, or nothing is said in time
 */
export async function untilGuestSpeaks(
  machine: QemuMachine,
  console: VmConsole,
  signal: AbortSignal,
): Promise<void> {
  let problem: MobyvmError | undefined;
  const look = async (): Promise<boolean> => {
    if ((await console.tail(50)).some((line) => parseBootStage(line) !== undefined)) return true;
    const state = machine.hasExited ? undefined : await machine.state(signal);
    if (state !== 'running') problem = stopped(state ?? 'gone');
    return false;
  };
  await waitFor(
    {
      title: "the guest's first words",
      code: 'MOBYVM_VM_START',
      timeoutSeconds: FIRST_WORDS_SECONDS,
      hint: 'Set `vm.accelerator` to `tcg` if this goes on.',
      everyMs: 100,
      giveUp: () => {
        if (problem !== undefined) throw problem;
      },
      check: look,
    },
    signal,
  );
}

function stopped(state: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_VM_START',
    `The virtual machine did not get as far as its guest's first words: it is ${state}.`,
    'Set `vm.accelerator` to `tcg` if this goes on.',
  );
}
