import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import type { Accelerator } from './command-line.plan.js';
import { TRIAL_MESSAGE, trialFirmware } from './trial-firmware.plan.js';

export interface TrialOptions {
  /** For example `qemu-system-x86_64`. */
  readonly qemuProgram: string;
  /** A command to run QEMU with, for example `ip netns exec NAME`. */
  readonly commandPrefix: readonly string[];
}

export interface AcceleratorTrial {
  readonly works: boolean;
  /** What the firmware has printed, or QEMU's error. */
  readonly detail: string;
}

/** The firmware prints its line within a tenth of a second; a busy host may need longer. */
const TRIAL_TIMEOUT_MS = 10_000;

/** QEMU stops the machine at an instruction that KVM can't emulate, and waits for an order. */
const STUCK = 'KVM internal error';

/** Starts a machine with no device but a debug port, whose firmware tries what boot loaders use. */
export async function tryAccelerator(
  accelerator: Accelerator,
  { commandPrefix, qemuProgram }: TrialOptions,
  signal: AbortSignal,
): Promise<AcceleratorTrial> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-trial-'));
  const over = new AbortController();
  let line: string | undefined;
  const onLine = (text: string): void => {
    if (line !== undefined || !(text.startsWith(TRIAL_MESSAGE) || text.startsWith(STUCK))) return;
    line = text.trim();
    over.abort();
  };
  try {
    const firmware = join(folder, 'firmware.rom');
    await writeFile(firmware, trialFirmware());
    const [program = '', ...args] = [...commandPrefix, qemuProgram, ...trialArguments(accelerator, firmware)];
    const either = AbortSignal.any([signal, over.signal]);
    await run(program, args, { onLine, signal: either, timeoutMs: TRIAL_TIMEOUT_MS });
    return { works: false, detail: 'QEMU exited before the firmware ran' };
  } catch (error) {
    signal.throwIfAborted();
    return { works: line?.startsWith(TRIAL_MESSAGE) === true, detail: line ?? textOf(error) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function trialArguments(accelerator: Accelerator, firmware: string): readonly string[] {
  return [
    ...['-machine', 'q35', '-accel', accelerator, '-m', 'size=32M', '-nodefaults', '-display', 'none'],
    ...['-no-reboot', '-bios', firmware, '-chardev', 'stdio,id=debug,signal=off'],
    ...['-device', 'isa-debugcon,iobase=0x402,chardev=debug'],
  ];
}
