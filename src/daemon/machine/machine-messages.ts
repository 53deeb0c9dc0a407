import { MobyvmError } from '../../core/values/index.js';
import type { VmExit } from '../../vm/index.js';

/** Why the machine failed when its VM ended unexpectedly. */
export function ended(exit: VmExit): MobyvmError {
  return exit.reason === 'guest'
    ? new MobyvmError(
        'MOBYVM_VM_DIED',
        `The VM was shut down from inside: ${withoutPeriod(exit.detail)}.`,
        'Start it again with `mobyvm up`.',
      )
    : new MobyvmError(
        'MOBYVM_VM_DIED',
        `The VM ended unexpectedly: ${withoutPeriod(exit.detail)}.`,
        'Start it again with `mobyvm up`; the console log may show why it ended (`mobyvm console`).',
      );
}

/** A machine that cannot continue; `restart` powers it off. @param accelerator what it runs with, if known */
export function crashed(accelerator: string | undefined): MobyvmError {
  return new MobyvmError(
    'MOBYVM_VM_DIED',
    'The VM has crashed or is not responding: its processors hit a fatal error, or its process does not answer.',
    accelerator === 'kvm'
      ? 'KVM may not be able to run this guest on this host: set `vm.accelerator` to `auto` or `tcg`, then run `mobyvm restart`.'
      : 'Run `mobyvm restart`; the data disk is kept. The console log may show why it stopped (`mobyvm console`).',
  );
}

export function imageHasFailed(path: string, reason: string): string {
  return `The boot image ${path} did not start (${withoutPeriod(reason)}); starting the VM with the image before it.`;
}

export function diskStays(wantedGiB: number, presentGiB: number): string {
  return `vm.diskGiB is ${wantedGiB}, but the data disk has ${Math.round(presentGiB * 100) / 100} GiB and keeps that size: it is never shrunk.`;
}

/** The VM was powered off with its guest running. */
export function forcedStop(gracefulSeconds: number): string {
  return (
    `The VM did not shut down within ${gracefulSeconds} s and was powered off: containers were not stopped cleanly, and data ` +
    'that they had just written may be lost. `mobyvm console` shows how far it got; vm.stopTimeoutSeconds gives it more time.'
  );
}

export function engineLost(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    'The VM runs, but its Docker Engine does not answer.',
    'Wait a moment. If it persists, check `mobyvm console` and run `mobyvm restart`.',
  );
}

function withoutPeriod(sentence: string): string {
  return sentence.replace(/\.$/, '');
}

/** A saved VM that is resumed only to shut down. */
export function stopsSaved(because: string): string {
  return `The saved VM is shut down and booted instead of being resumed: ${withoutPeriod(because)}.`;
}

/** A VM that was resumed, and is shut down again. */
export function bootsInstead(because: string): string {
  return `The VM was resumed and is now shut down and booted: ${withoutPeriod(because)}.`;
}

/** The guest's memory is lost. */
export function savedIsDiscarded(because: string): string {
  return (
    `The saved state of the VM is discarded: ${withoutPeriod(because)}. ` +
    'For its containers this is like a power failure; the data disk repairs itself at the next boot.'
  );
}

export function notSaved(because: string): string {
  return `The VM is shut down instead of being saved: ${withoutPeriod(because)}.`;
}
