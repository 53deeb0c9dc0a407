import { sleep, waitFor } from '../../core/host/index.js';
import { isAbort, textOf, VIRTUALIZATION_NAMESPACE, WmiReturn } from '../../core/values/index.js';
import { cmdlet, hashtable, type PowerShell } from '../../powershell/index.js';
import type { VmState } from '../driver.js';
import { findMachine, machine, type FoundMachine } from './find-machine.js';
import { hypervError, isDenied, isHostProblem, orHypervError, withoutEffectError } from './hyperv-error.js';
import type { HypervSetup } from './hyperv-setup.js';
import { isLive, isPassing, vmStateOf } from './vm-state.plan.js';

/** For starting a machine, saving its memory to a file, or restoring it. */
const CALL_SECONDS = 300;
const PASSING_SECONDS = 120;
const TURN_OFF_SECONDS = 60;
const OFF_LOOK_MS = 200;
const SHUTDOWN_LOOK_MS = 1_000;

/**
 * Waits until the machine is in a state that it does not leave by itself.
 * @param read how the machine is read
 */
export async function settled<Found extends FoundMachine>(
  read: (signal: AbortSignal) => Promise<Found | undefined>,
  signal: AbortSignal,
): Promise<Found | undefined> {
  let found = await read(signal);
  const isSettled = {
    title: 'Hyper-V to finish what it is doing with the virtual machine',
    check: async (either: AbortSignal) => {
      found = await read(either);
      return found === undefined || !isPassing(found.state);
    },
    timeoutSeconds: PASSING_SECONDS,
    hint: 'Check the machine in Hyper-V Manager; restart the service vmms if it hangs.',
    code: 'MOBYVM_VM_STATE',
  } as const;
  if (found !== undefined && isPassing(found.state)) await waitFor(isSettled, signal);
  return found;
}

/**
 * Starts a machine that is off or saved. Hyper-V lets a machine open only the files that were attached to it;
 * files that have replaced them since are attached again, once.
 * @returns the machine's state, if Hyper-V reports one
 * @throws MobyvmError with the code; MOBYVM_VM_START if the host is the reason
 */
export async function startMachine(
  { powerShell, lifePowerShell, logger }: HypervSetup,
  { id }: FoundMachine,
  { signal, code }: { signal: AbortSignal; code: 'MOBYVM_VM_START' | 'MOBYVM_VM_RESTORE' },
): Promise<VmState | undefined> {
  const what =
    code === 'MOBYVM_VM_START'
      ? 'The virtual machine was not started'
      : 'The saved virtual machine was not restored';
  const pipeline = [machine(id), cmdlet('Start-VM', { Passthru: true })] as const;
  const start = async (): Promise<VmState | undefined> => {
    const query = { pipeline, fields: { State: 'text' } } as const;
    const [row] = await lifePowerShell.read(query, { signal, timeoutSeconds: CALL_SECONDS });
    return row?.State === undefined ? undefined : vmStateOf(row.State);
  };
  const startWithFiles = async (): Promise<VmState | undefined> => {
    try {
      return await start();
    } catch (error) {
      if (!isDenied(error) || code !== 'MOBYVM_VM_START') throw error;
      logger.warn('vm.files.denied', { error: textOf(error) });
      await attachAgain(powerShell, id, signal);
      return await start();
    }
  };
  try {
    return await startWithFiles();
  } catch (error) {
    if (isAbort(error)) throw error;
    throw hypervError(what, error, isHostProblem(error) ? 'MOBYVM_VM_START' : code);
  }
}

async function attachAgain(powerShell: PowerShell, id: string, signal: AbortSignal): Promise<void> {
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
  { lifePowerShell }: HypervSetup,
  { id }: FoundMachine,
  signal: AbortSignal,
): Promise<void> {
  await orHypervError(
    'The paused virtual machine was not resumed',
    () => lifePowerShell.run([machine(id), cmdlet('Resume-VM')], { signal, timeoutSeconds: CALL_SECONDS }),
    'MOBYVM_VM_START',
  );
}

export async function saveMachine(
  { lifePowerShell }: HypervSetup,
  { id }: FoundMachine,
  signal: AbortSignal,
): Promise<void> {
  await orHypervError(
    'The virtual machine was not saved',
    () => lifePowerShell.run([machine(id), cmdlet('Save-VM')], { signal, timeoutSeconds: CALL_SECONDS }),
    'MOBYVM_VM_SAVE',
  );
}

/**
 * Powers the machine off, in any state; a saved state is discarded. If Hyper-V cannot power it off, its
 * worker process is terminated.
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
  const what = 'The virtual machine could not be powered off';
  let reason: unknown = withoutEffectError(what, 'MOBYVM_VM_STOP');
  try {
    await setup.lifePowerShell.run([machine(id), off], { signal, timeoutSeconds: TURN_OFF_SECONDS });
  } catch (error) {
    signal.throwIfAborted();
    reason = hypervError(what, error, 'MOBYVM_VM_STOP');
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
    const found = await findMachine(setup, signal);
    if (found === undefined || found.state === 'off') return true;
    const remainingMs = deadline - performance.now();
    if (remainingMs <= 0) return false;
    await sleep(Math.min(remainingMs, OFF_LOOK_MS), signal);
  }
}

/**
 * Terminates the process in which Hyper-V runs only this machine: its command line has the machine's GUID.
 */
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
 * Asks the guest to shut down and waits until it has. `Stop-VM` would block its session all the while; so the
 * request itself is sent, which returns at once.
 * @returns the machine once it is off; undefined when it still runs after that time
 * @see https://learn.microsoft.com/windows/win32/hyperv_v2/msvm-shutdowncomponent-initiateshutdown
 */
export async function shutDownGuest(
  setup: HypervSetup,
  { id }: FoundMachine,
  { gracefulSeconds, signal }: { readonly gracefulSeconds: number; readonly signal: AbortSignal },
): Promise<{ readonly found: FoundMachine | undefined } | undefined> {
  const deadline = performance.now() + gracefulSeconds * 1_000;
  const lookMs = Math.min(SHUTDOWN_LOOK_MS, setup.lookSeconds * 1_000);
  let isAsked = false;
  for (;;) {
    isAsked ||= await askToShutDown(setup, id, signal);
    await sleep(Math.max(0, Math.min(deadline - performance.now(), lookMs)), signal);
    const found = await findMachine(setup, signal);
    if (found === undefined || !isLive(found.state)) return { found };
    if (performance.now() >= deadline) return undefined;
  }
}

/** False when the guest's shutdown service does not listen (yet). */
async function askToShutDown(
  { powerShell, logger }: HypervSetup,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  const component = cmdlet('Get-CimInstance', {
    Namespace: VIRTUALIZATION_NAMESPACE,
    ClassName: 'Msvm_ShutdownComponent',
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
    return rows.some(
      ({ ReturnValue }) => ReturnValue === WmiReturn.completed || ReturnValue === WmiReturn.jobStarted,
    );
  } catch (error) {
    signal.throwIfAborted();
    logger.warn('vm.shutdown.refused', { error: textOf(error) });
    return false;
  }
}
