import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  fileLedger,
  memoryLedger,
  run,
  runSteps,
  silentLogger,
  type Ledger,
  type Step,
} from '../../src/core/host/index.js';
import { daemonNamespace } from '../../src/vm/network/index.js';
import { networkNamespace } from '../../src/vm/network/linux/network-namespace.js';
import { ownerOf } from '../../src/vm/network/linux/owner.js';
import { MACHINE_ID } from '../support/network-host.js';
import { describeResource, inThisProcess, type ResourceUnderTest } from '../support/resource-contract.js';
import { registerNamespace } from '../support/test-run.js';

const context = { signal: new AbortController().signal, progress: () => undefined };
let count = 0;

/** A name that no other test run uses; a namespace of that name is deleted at the end. */
class FreeName implements AsyncDisposable {
  readonly name: string;

  constructor() {
    count += 1;
    this.name = `mvt${process.pid}-n${count}-own`;
    registerNamespace(this.name);
  }

  async exists(): Promise<boolean> {
    const { stdout } = await run('ip', ['netns', 'list']);
    return stdout.split('\n').some((line) => line.split(' ')[0] === this.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (await this.exists()) await run('ip', ['netns', 'delete', this.name]);
  }
}

async function underContract(): Promise<ResourceUnderTest> {
  const free = new FreeName();
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-namespace-'));
  const ledger = fileLedger(join(folder, 'ledger.json'));
  return inThisProcess({
    resource: networkNamespace(free.name, ownerOf(MACHINE_ID, ledger, silentLogger)),
    wanted: { isLoopbackUp: true },
    snapshot: async () => ({
      links: (await free.exists()) ? (await run('ip', ['-n', free.name, '-json', 'link'])).stdout : undefined,
      ledger: await ledger.list(),
    }),
    dispose: async () => {
      await free[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

describeResource('the network namespace', underContract);

describe('the daemon’s network namespace', () => {
  test('is created once with its loopback up, and removed by its creator', async () => {
    await using free = new FreeName();
    const ledger = memoryLedger();
    const namespace = daemonNamespace({
      machineId: MACHINE_ID,
      name: free.name,
      ledger,
      logger: silentLogger,
    });
    expect(await ensure(namespace.step)).toEqual(['create']);
    expect(await ensure(namespace.step)).toEqual(['none']);
    const inside = await run('ip', ['netns', 'exec', free.name, 'ip', '-brief', 'link', 'show', 'up']);
    expect(inside.stdout).toMatch(/^lo /);
    await namespace.remove(context);
    expect(await free.exists()).toBe(false);
  });

  test('can be deleted from inside: its name disappears outside, and it ends with its last process', async () => {
    await using free = new FreeName();
    await run('ip', ['netns', 'add', free.name]);
    // As the daemon's own end does. What `ip netns exec` mounts is visible inside only.
    const script = `ip netns delete ${free.name} && ip -o link show lo`;
    const inside = await run('ip', ['netns', 'exec', free.name, 'sh', '-c', script]);
    expect(inside.stdout).toContain('LOOPBACK');
    expect(await free.exists()).toBe(false);
    expect((await run('cat', ['/proc/self/mountinfo'])).stdout).not.toContain(free.name);
  });

  test('that existed before is used and never deleted', async () => {
    await using free = new FreeName();
    await run('ip', ['netns', 'add', free.name]);
    const namespace = made(free.name, memoryLedger());
    expect(await ensure(namespace.step)).toEqual(['update']);
    expect(await ensure(namespace.step)).toEqual(['none']);
    await namespace.remove(context);
    expect(await free.exists()).toBe(true);
  });

  test('of the same name, created by another program after a reboot, is not deleted', async () => {
    await using free = new FreeName();
    const ledger = memoryLedger();
    await ledger.add({ kind: 'network-namespace', name: free.name, detail: 'an earlier boot net:[1]' });
    await run('ip', ['netns', 'add', free.name]);
    const namespace = made(free.name, ledger);
    await ensure(namespace.step);
    await namespace.remove(context);
    expect(await free.exists()).toBe(true);
    expect(await ledger.list()).toEqual([]);
  });

  test('rejects a path as its name', () => {
    expect(() => made('../evil', memoryLedger())).toThrow(
      expect.objectContaining({ code: 'MOBYVM_NAMESPACE' }),
    );
    expect(() => made('-all', memoryLedger())).toThrow(expect.objectContaining({ code: 'MOBYVM_NAMESPACE' }));
  });
});

function made(name: string, ledger: Ledger): ReturnType<typeof daemonNamespace> {
  return daemonNamespace({ machineId: MACHINE_ID, name, ledger, logger: silentLogger });
}

async function ensure(step: Step): Promise<readonly string[]> {
  const changes: string[] = [];
  await runSteps([step], {
    emit: (event) => {
      if (event.event === 'step.done') changes.push(event.change);
    },
    signal: context.signal,
    nowMs: () => 0,
  });
  return changes;
}
