import { sleep, waitFor } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import { cmdlet, hashtable, type PowerShell } from '../../powershell/index.js';
import type { VmState } from '../driver.js';
import { findMachine, machine, type FoundMachine } from './find-machine.js';
import { hypervFailure, isDenied, orHypervFailure, withoutEffect } from './hyperv-failure.js';
import type { HypervSetup } from './hyperv-setup.js';
import { isLive, isPassing } from './vm-state.plan.js';

/** Of a machine that starts, or is written to a file or read from one. */
const CALL_SECONDS = 300;
const PASSING_SECONDS = 120;
const TURN_OFF_SECONDS = 60;
const OFF_LOOK_MS = 200;
const WMI = 'root/virtualization/v2';

/** Waits until Hyper-V has done what it is about to do. */
export async function settled(setup: HypervSetup, signal: AbortSignal): Promise<FoundMachine | undefined> {
  let found = await findMachine(setup.powerShell, setup, signal);
  const isSettled = {
    title: 'Hyper-V to finish what it does with the virtual machine',
    check: async (either: AbortSignal) => {
      found = await findMachine(setup.powerShell, setup, either);
      return found === undefined || !isPassing(found.state);
    },
    timeoutSeconds: PASSING_SECONDS,
    hint: 'Look at the machine in Hyper-V Manager, and restart the service vmms if it hangs.',
    code: 'MOBYVM_VM_STATE',
  } as const;
  if (found !== undefined && isPassing(found.state)) await waitFor(isSettled, signal);
  return found;
}

/**
 * From off or saved. Hyper-V lets a machine open the files that were attached to it, not others that lie in their places since: those
 * are attached anew, once.
 * @throws MobyvmError with the code
 */
export async function startMachine(
  { powerShell, logger }: HypervSetup,
  { id }: FoundMachine,
  { signal, code }: { signal: AbortSignal; code: 'MOBYVM_VM_START' | 'MOBYVM_VM_RESTORE' },
): Promise<void> {
  const what =
    code === 'MOBYVM_VM_START'
      ? 'The virtual machine was not started'
      : 'The saved virtual machine was not continued';
  const start = () =>
    powerShell.run([machine(id), cmdlet('Start-VM')], { signal, timeoutSeconds: CALL_SECONDS });
  const startWithFiles = async (): Promise<void> => {
    try {
      await start();
    } catch (error) {
      if (!isDenied(error) || code !== 'MOBYVM_VM_START') throw error;
      logger.warn('vm.files.denied', { error: textOf(error) });
      await attachAnew(powerShell, id, signal);
      await start();
    }
  };
  await orHypervFailure(what, startWithFiles, code);
}

async function attachAnew(powerShell: PowerShell, id: string, signal: AbortSignal): Promise<void> {
  const drives = [
    { get: cmdlet('Get-VMHardDiskDrive'), set: (Path: string) => cmdlet('Set-VMHardDiskDrive', { Path }) },
    { get: cmdlet('Get-VMDvdDrive'), set: (Path: string) => cmdlet('Set-VMDvdDrive', { Path }) },
  ];
  for (const { get, set } of drives) {
    const rows = await powerShell.read(
      { pipeline: [machine(id), get], fields: { Path: 'text' } },
      { signal },
    );
    for (const { Path: path = '' } of rows)
      if (path !== '')
        await powerShell.run([machine(id), get, { where: 'Path', equals: path }, set(path)], { signal });
  }
}

export async function resumeMachine(
  { powerShell }: HypervSetup,
  { id }: FoundMachine,
  signal: AbortSignal,
): Promise<void> {
  await orHypervFailure(
    'The paused virtual machine did not go on',
    () => powerShell.run([machine(id), cmdlet('Resume-VM')], { signal, timeoutSeconds: CALL_SECONDS }),
    'MOBYVM_VM_START',
  );
}

export async function saveMachine(
  { powerShell }: HypervSetup,
  { id }: FoundMachine,
  signal: AbortSignal,
): Promise<void> {
  await orHypervFailure(
    'The virtual machine was not saved',
    () => powerShell.run([machine(id), cmdlet('Save-VM')], { signal, timeoutSeconds: CALL_SECONDS }),
    'MOBYVM_VM_SAVE',
  );
}

/**
 * As the power switch does, from any state; a saved state is discarded. A machine that Hyper-V cannot switch off any more is ended with
 * its worker process.
 * @throws MobyvmError MOBYVM_VM_STOP
 */
export async function turnOff(
  setup: HypervSetup,
  { id, state }: Pick<FoundMachine, 'id' | 'state'>,
  signal: AbortSignal,
): Promise<void> {
  if (state !== 'saved' && !isLive(state)) return;
  const off =
    state === 'saved' ? cmdlet('Remove-VMSavedState') : cmdlet('Stop-VM', { TurnOff: true, Force: true });
  const what = 'The virtual machine could not be switched off';
  let reason: unknown = withoutEffect(what, 'MOBYVM_VM_STOP');
  try {
    await setup.powerShell.run([machine(id), off], { signal, timeoutSeconds: TURN_OFF_SECONDS });
  } catch (error) {
    signal.throwIfAborted();
    reason = hypervFailure(what, error, 'MOBYVM_VM_STOP');
  }
  if (await isOffSoon(setup, signal)) return;
  if (isLive(state)) {
    await endWorker(setup, id, signal);
    if (await isOffSoon(setup, signal)) return;
  }
  throw reason;
}

async function isOffSoon(setup: HypervSetup, signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + setup.lookSeconds * 2_000;
  for (;;) {
    const found = await findMachine(setup.powerShell, setup, signal);
    if (found === undefined || found.state === 'off') return true;
    const remainingMs = deadline - performance.now();
    if (remainingMs <= 0) return false;
    await sleep(Math.min(remainingMs, OFF_LOOK_MS), signal);
  }
}

/** The process in which Hyper-V runs this machine alone: its command line has the machine's GUID. */
async function endWorker(
  { powerShell, logger }: HypervSetup,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const worker = cmdlet('Get-CimInstance', {
    ClassName: 'Win32_Process',
    Filter: `Name = 'vmwp.exe' AND CommandLine LIKE '%${id.toUpperCase()}%'`,
  });
  logger.warn('vm.worker.ending', { id });
  try {
    await powerShell.run([worker, cmdlet('Invoke-CimMethod', { MethodName: 'Terminate' })], { signal });
  } catch (error) {
    signal.throwIfAborted();
    logger.warn('vm.worker.unendable', { id, error: textOf(error) });
  }
}

/**
 * Asks the guest to shut down until it has. `Stop-VM` would keep the session busy for as long, so the request itself is sent, which
 * is answered at once (Msvm_ShutdownComponent.InitiateShutdown).
 * @returns false when it has not within that time
 */
export async function shutDownGuest(
  setup: HypervSetup,
  { id }: FoundMachine,
  { gracefulSeconds, signal }: { readonly gracefulSeconds: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const deadline = performance.now() + gracefulSeconds * 1_000;
  let isAsked = false;
  for (;;) {
    isAsked ||= await askToShutDown(setup, id, signal);
    const state: VmState = (await findMachine(setup.powerShell, setup, signal))?.state ?? 'absent';
    if (!isLive(state)) return true;
    const remainingMs = deadline - performance.now();
    if (remainingMs <= 0) return false;
    await sleep(Math.min(remainingMs, Math.min(1_000, setup.lookSeconds * 1_000)), signal);
  }
}

/** False when the guest's shutdown service does not listen (yet). */
async function askToShutDown(
  { powerShell, logger }: HypervSetup,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  const component = cmdlet('Get-CimInstance', {
    ...{ Namespace: WMI, ClassName: 'Msvm_ShutdownComponent' },
    Filter: `SystemName = '${id.toUpperCase()}'`,
  });
  const ask = cmdlet('Invoke-CimMethod', {
    MethodName: 'InitiateShutdown',
    Arguments: hashtable({ Force: false, Reason: 'mobyvm' }),
  });
  try {
    const rows = await powerShell.read(
      { pipeline: [component, ask], fields: { ReturnValue: 'number' } },
      { signal },
    );
    // 0 done, 4096 a job was started.
    return rows.some(({ ReturnValue }) => ReturnValue === 0 || ReturnValue === 4_096);
  } catch (error) {
    signal.throwIfAborted();
    logger.warn('vm.shutdown.refused', { error: textOf(error) });
    return false;
  }
}
