import { describe, expect, test } from 'vitest';
import type { MachineStatus } from '../../src/daemon/machine/machine-status.js';
import type { Operation, OperationEvent } from '../../src/daemon/machine/operation.js';

/** A machine that was assembled for one platform, with its host. */
export interface AssemblyUnderTest extends AsyncDisposable {
  /** @param cancelAt the id of the step at whose start it is cancelled */
  operate(operation: Operation, cancelAt?: string): Promise<readonly OperationEvent[]>;
  status(): Promise<MachineStatus>;
  /** The periodic check of all resources. */
  repair(): Promise<void>;
  /** Another daemon takes the place of the first. */
  restartDaemon(): Promise<void>;
  /** Network and VM of the host, as plain data. */
  snapshot(): Promise<unknown>;
  ledger(): Promise<readonly string[]>;
  /** Names of the files below the state folder. */
  stateFiles(): Promise<readonly string[]>;
  /** Differs after each boot of the VM. */
  boot(): Promise<unknown>;
  /** As another program would: the firewall rules go, or a part of the network. */
  deleteRules(): Promise<void>;
  deleteNetwork(): Promise<void>;
  /** Whether the hypervisor refuses to start a VM. */
  refuseStarts(refuses: boolean): Promise<void>;
}

const UP = { name: 'up' } as const;
const DOWN = { name: 'down', stop: true } as const;
/** Saves the VM, as the settings want it. */
const SAVE = { name: 'down' } as const;

/** What a machine does on every platform, from the first `up` to `uninstall`. */
export function describeAssembly(
  name: string,
  dataDisk: string,
  make: () => Promise<AssemblyUnderTest>,
): void {
  describe(`the assembled machine: ${name}`, () => {
    test('goes up step by step, says so in its status, and comes down', async () => {
      await using under = await make();
      const before = await under.snapshot();
      const steps = changesOf(await succeeded(under.operate(UP))).map(([step]) => step);
      const order = [
        'image',
        'network-firewall',
        'services',
        'certificates',
        'vm-definition',
        'vm',
        'engine',
      ];
      expect(steps.filter((step) => order.includes(step))).toEqual(order);
      expect(await under.status()).toMatchObject({
        state: 'running',
        vm: { state: 'running' },
        network: { subnet: '10.0.75.0/24', hostAddress: '10.0.75.1', vmAddress: '10.0.75.2' },
        engine: { reachable: true, version: '28.2.2-fake' },
      });
      await succeeded(under.operate(DOWN));
      expect(await under.status()).toMatchObject({ state: 'stopped', vm: { state: 'off' } });
      expect(networkIn(await under.snapshot())).toEqual(networkIn(before));
    });

    test('is saved by down, and the next daemon resumes it without a boot', async () => {
      await using under = await make();
      const before = await under.snapshot();
      await under.operate(UP);
      const boot = await under.boot();
      expect(noticesOf(await succeeded(under.operate(SAVE)))).toEqual([]);
      expect(await under.status()).toMatchObject({ state: 'saved', vm: { state: 'saved' } });
      await succeeded(under.operate(SAVE));
      await under.restartDaemon();
      expect(noticesOf(await succeeded(under.operate(UP)))).toEqual([]);
      expect(await under.boot()).toEqual(boot);
      expect(await under.status()).toMatchObject({ state: 'running', engine: { reachable: true } });
      await succeeded(under.operate(SAVE));
      await succeeded(under.operate(DOWN));
      expect(await under.status()).toMatchObject({ state: 'stopped', vm: { state: 'off' } });
      expect(networkIn(await under.snapshot())).toEqual(networkIn(before));
    });

    test('keeps its saved memory when the host refuses to start it', async () => {
      await using under = await make();
      await under.operate(UP);
      const boot = await under.boot();
      await under.operate(SAVE);
      await under.refuseStarts(true);
      expect((await under.operate(UP)).at(-1)).toMatchObject({ event: 'operation.failed' });
      expect(await under.status()).toMatchObject({ vm: { state: 'saved' } });
      await under.refuseStarts(false);
      await succeeded(under.operate(UP));
      expect(await under.boot()).toEqual(boot);
    });

    test('is uninstalled while it is saved, with everything that it created', async () => {
      await using under = await make();
      const before = await under.snapshot();
      await under.operate(UP);
      await under.operate(SAVE);
      await succeeded(under.operate({ name: 'uninstall', keepData: false }));
      expect(await under.snapshot()).toEqual(before);
      expect(await under.ledger()).toEqual([]);
      expect(await under.stateFiles()).toEqual([]);
    });

    test('changes nothing in a second up', async () => {
      await using under = await make();
      await under.operate(UP);
      const [present, boot] = [await under.snapshot(), await under.boot()];
      const changes = changesOf(await succeeded(under.operate(UP)));
      expect(changes.filter(([, change]) => change !== 'none')).toEqual([]);
      expect(await under.snapshot()).toEqual(present);
      expect(await under.boot()).toEqual(boot);
    });

    test('is adopted by the next daemon, which neither starts it again nor loses it', async () => {
      await using under = await make();
      const before = await under.snapshot();
      await under.operate(UP);
      const boot = await under.boot();
      await under.restartDaemon();
      await succeeded(under.operate(UP));
      expect(await under.boot()).toEqual(boot);
      expect(await under.status()).toMatchObject({ state: 'running', vm: { state: 'running' } });
      await under.restartDaemon();
      await succeeded(under.operate(DOWN));
      expect(networkIn(await under.snapshot())).toEqual(networkIn(before));
    });

    test('gets back what another program deletes, and tells each repair', async () => {
      await using under = await make();
      await under.operate(UP);
      const present = networkIn(await under.snapshot());
      await under.deleteRules();
      await under.repair();
      expect(networkIn(await under.snapshot())).toEqual(present);
      await under.deleteNetwork();
      await under.repair();
      expect(networkIn(await under.snapshot())).toEqual(present);
      const { repairs, state } = await under.status();
      expect(state).toBe('running');
      expect(repairs[0]).toMatchObject({ id: 'network-firewall' });
      expect(repairs.length).toBeGreaterThan(1);
      await under.repair();
      expect((await under.status()).repairs).toEqual(repairs);
    });

    test.each(['services', 'vm', 'engine'])(
      'leaves nothing of an up that is interrupted at %s',
      async (step) => {
        await using under = await make();
        const before = await under.snapshot();
        const events = await under.operate(UP, step);
        expect(events.at(-1)).toMatchObject({ event: 'operation.failed', error: { code: 'MOBYVM_ABORTED' } });
        expect(await under.snapshot()).toEqual(before);
        expect(await under.ledger()).toEqual([]);
        expect(await under.status()).toMatchObject({
          state: expect.stringMatching(/^(absent|stopped)$/) as string,
        });
        await succeeded(under.operate(UP));
      },
    );

    test('leaves nothing of an up that fails, says why, and goes up once it can', async () => {
      await using under = await make();
      const before = await under.snapshot();
      await under.refuseStarts(true);
      const last = (await under.operate(UP)).at(-1);
      expect(last).toMatchObject({
        event: 'operation.failed',
        error: {
          code: expect.stringMatching(/^MOBYVM_/) as string,
          remedy: expect.stringMatching(/./) as string,
        },
      });
      expect(await under.snapshot()).toEqual(before);
      expect(await under.ledger()).toEqual([]);
      expect(await under.status()).toMatchObject({ state: 'failed' });
      await under.refuseStarts(false);
      await succeeded(under.operate(UP));
    });

    test('leaves a running VM alone when a second up fails or is interrupted', async () => {
      await using under = await make();
      await under.operate(UP);
      const [present, boot] = [await under.snapshot(), await under.boot()];
      expect((await under.operate(UP, 'engine')).at(-1)).toMatchObject({ event: 'operation.failed' });
      expect(await under.snapshot()).toEqual(present);
      expect(await under.boot()).toEqual(boot);
    });

    test('is uninstalled with everything that it created, and with nothing else', async () => {
      await using under = await make();
      const before = await under.snapshot();
      await under.operate(UP);
      await succeeded(under.operate({ name: 'uninstall', keepData: false }));
      expect(await under.snapshot()).toEqual(before);
      expect(await under.ledger()).toEqual([]);
      expect(await under.stateFiles()).toEqual([]);
    });

    test('keeps its data disk alone when it is to be kept, and a later uninstall deletes that', async () => {
      await using under = await make();
      await under.operate(UP);
      const events = await succeeded(under.operate({ name: 'uninstall', keepData: true }));
      expect(detailsOf(events)).toContain('the data disk is kept');
      expect(await under.ledger()).toEqual([]);
      expect(await under.stateFiles()).toEqual([dataDisk]);
      await succeeded(under.operate({ name: 'uninstall', keepData: false }));
      expect(await under.stateFiles()).toEqual([]);
    });
  });
}

async function succeeded(operation: Promise<readonly OperationEvent[]>): Promise<readonly OperationEvent[]> {
  const events = await operation;
  expect(events.at(-1)).toMatchObject({ event: 'operation.done' });
  return events;
}

/** What each step changed. */
function changesOf(events: readonly OperationEvent[]): readonly (readonly [step: string, change: string])[] {
  return events.flatMap((event) =>
    event.event === 'step.done' ? [[event.step, event.change] as const] : [],
  );
}

function noticesOf(events: readonly OperationEvent[]): readonly string[] {
  return events.flatMap((event) => (event.event === 'operation.notice' ? [event.message] : []));
}

function detailsOf(events: readonly OperationEvent[]): readonly string[] {
  return events.flatMap((event) => (event.event === 'step.progress' ? [event.detail] : []));
}

/** Without the VM, whose definition outlives it. */
function networkIn(snapshot: unknown): unknown {
  return Object.fromEntries(
    Object.entries(snapshot as object).filter(([part]) => !['vm', 'machines'].includes(part)),
  );
}
