import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/core/host/index.js';
import { NetworkHost, type NetworkPart } from '../support/network-host.js';

const PARTS: readonly NetworkPart[] = ['bridge', 'address', 'firewall', 'forwarding', 'tap'];

/** More than a setup ever takes, so that an unrelated failure does not repeat forever. */
const MOST_COMMANDS = 60;

describe('setting up the network', () => {
  test('creates everything once, reports it, and removes everything again', async () => {
    await using host = await NetworkHost.create();
    const before = await host.snapshot();
    const made = await host.demand('ensure');
    expect(made.done).toEqual([
      ['network-bridge', 'create'],
      ['network-address', 'create'],
      ['network-firewall', 'create'],
      ['network-forwarding', 'update'],
      ['network-tap', 'create'],
    ]);
    const again = await host.demand('ensure');
    expect(again.done?.map(([, change]) => change)).toEqual(['none', 'none', 'none', 'none', 'none']);
    expect((await host.demand('ledger')).entries).toEqual([
      'bridge-address/mobyvm0 10.0.75.1/24',
      'bridge/mobyvm0',
      'nft-table/inet mobyvm_mobyvm0',
      'sysctl/net.ipv4.ip_forward',
      'tap/mobyvm0-t0',
    ]);
    await host.demand('remove');
    await host.demand('remove');
    expect(await host.snapshot()).toEqual(before);
  });

  test('leaves the host unchanged when any command fails', async () => {
    await using tools = await FailingTools.create();
    await using host = await NetworkHost.create({ env: tools.env });
    const before = await host.snapshot();
    let failures = 0;
    for (let at = 1; at < MOST_COMMANDS; at += 1) {
      await tools.failAt(at);
      const { error, aggregate } = await host.ask('ensure');
      if (!(await tools.hasFailed())) break;
      failures += 1;
      // Inspecting other programs' rules may fail: they are only reported.
      if (error === undefined) await host.demand('remove');
      else
        expect({ at, code: error.code, aggregate }).toEqual({
          at,
          code: 'MOBYVM_PROGRAM_FAILED',
          aggregate: false,
        });
      expect({ at, host: await host.snapshot() }).toEqual({ at, host: before });
    }
    expect(failures).toBeGreaterThan(15);
  }, 180_000);

  test('leaves the host as damaged as it was when any command fails during a repair', async () => {
    await using tools = await FailingTools.create();
    await using host = await NetworkHost.create({ env: tools.env });
    await host.demand('ensure');
    await damage(host);
    const before = await host.snapshot();
    let failures = 0;
    for (let at = 1; at < MOST_COMMANDS; at += 1) {
      await tools.failAt(at);
      const { error, aggregate } = await host.ask('ensure');
      if (!(await tools.hasFailed())) break;
      failures += 1;
      if (error === undefined) await damage(host);
      else expect({ at, aggregate }).toEqual({ at, aggregate: false });
      expect({ at, host: await host.snapshot() }).toEqual({ at, host: before });
    }
    expect(failures).toBeGreaterThan(10);
    const changes = (await host.demand('plan')).changes ?? [];
    expect(changes.map(({ kind }) => kind)).toEqual(['none', 'none', 'none', 'none', 'none']);
  }, 180_000);

  test('repairs what was damaged, and nothing else', async () => {
    await using host = await NetworkHost.create();
    await host.demand('ensure');
    const good = await host.snapshot();
    await damage(host);
    expect((await host.demand('plan')).changes).toEqual([
      { kind: 'update', fields: ['mac', 'spanning-tree', 'forward-delay', 'ipv6', 'up'] },
      { kind: 'update', fields: ['not 10.0.75.1/16', '10.0.75.1/24'] },
      { kind: 'replace', reason: 'changed by another program' },
      { kind: 'update', fields: ['net.ipv4.ip_forward'] },
      { kind: 'update', fields: ['bridge', 'up'] },
    ]);
    await host.demand('ensure');
    expect(await host.snapshot()).toEqual(good);
  });

  test('recreates a bridge that was deleted while in use', async () => {
    await using host = await NetworkHost.create();
    await host.demand('ensure');
    const good = await host.snapshot();
    await host.namespace.ip('link', 'delete', 'mobyvm0');
    const { done } = await host.demand('ensure');
    expect(done?.map(([, change]) => change)).toEqual(['create', 'create', 'none', 'none', 'update']);
    expect(await host.snapshot()).toEqual(good);
  });

  test('replaces the rules when a setting changes or any of them is flushed', async () => {
    await using host = await NetworkHost.create();
    await host.demand('ensure');
    const options = { hostServices: [{ protocol: 'tcp', port: 445 }] };
    const changed = await host.demand('ensure', { part: 'firewall', options });
    expect(changed.done).toEqual([['network-firewall', 'replace']]);
    const rules = await host.namespace.run('nft', ['list', 'table', 'inet', 'mobyvm_mobyvm0']);
    expect(rules.stdout).toContain('ip daddr 10.0.75.1 tcp dport 445');
    await host.namespace.run('nft', ['flush', 'table', 'inet', 'mobyvm_mobyvm0']);
    const repaired = await host.demand('ensure', { part: 'firewall' });
    expect(repaired.done).toEqual([['network-firewall', 'replace']]);
  });

  test('moves to another subnet and leaves nothing of the old one behind', async () => {
    await using host = await NetworkHost.create();
    await host.demand('ensure');
    const options = { subnet: { network: '10.0.80.0', prefixLength: 24 } };
    await host.demand('ensure', { options });
    expect(await host.namespace.ip('-brief', '-4', 'address', 'show', 'dev', 'mobyvm0')).toMatch(
      /10\.0\.80\.1\/24 *\n$/,
    );
    expect((await host.namespace.run('nft', ['list', 'ruleset'])).stdout).not.toContain('10.0.75');
    expect((await host.demand('ledger')).entries).toContain('bridge-address/mobyvm0 10.0.80.1/24');
    expect((await host.demand('ledger')).entries).not.toContain('bridge-address/mobyvm0 10.0.75.1/24');
  });

  test.each([
    ['is missing', '/nonexistent/net/tun', /modprobe tun/],
    ['is not a device', '/proc/self', /modprobe tun/],
  ])('has a remedy when the tun device %s', async (_, tunDevice, remedy) => {
    await using host = await NetworkHost.create();
    await host.demand('ensure', { part: 'bridge' });
    const before = await host.snapshot();
    const { error } = await host.ask('ensure-tap-with', { tunDevice });
    expect(error?.code).toBe('MOBYVM_TUN_MISSING');
    expect(error?.message).toContain(tunDevice);
    expect(error?.remedy).toMatch(remedy);
    expect(await host.snapshot()).toEqual(before);
  });

  test('adopts what it had created but not tagged when it died', async () => {
    await using host = await NetworkHost.create();
    await host.demand('ensure');
    for (const device of ['mobyvm0', 'mobyvm0-t0'])
      await host.namespace.ip('link', 'set', 'dev', device, 'alias', '');
    const { done } = await host.demand('ensure');
    expect(done?.map(([step, change]) => `${step} ${change}`)).toEqual([
      'network-bridge update',
      'network-address none',
      'network-firewall none',
      'network-forwarding none',
      'network-tap update',
    ]);
  });
});

describe('removing the network', () => {
  test.each(PARTS)('continues if %s is already gone', async (part) => {
    await using host = await NetworkHost.create();
    const before = await host.snapshot();
    await host.demand('ensure');
    await host.demand('remove', { part });
    await host.demand('remove');
    expect(await host.snapshot()).toEqual(before);
  });
});

async function damage({ namespace }: NetworkHost): Promise<void> {
  await namespace.ip('link', 'set', 'dev', 'mobyvm0', 'address', '02:00:00:00:00:99');
  await namespace.ip('link', 'set', 'dev', 'mobyvm0', 'type', 'bridge', 'stp_state', '1');
  await namespace.ip('address', 'delete', '10.0.75.1/24', 'dev', 'mobyvm0');
  await namespace.ip('address', 'add', '10.0.75.1/16', 'dev', 'mobyvm0');
  await namespace.run('sysctl', ['-qw', 'net.ipv6.conf.mobyvm0.accept_ra=1']);
  await namespace.ip('link', 'set', 'dev', 'mobyvm0', 'down');
  await namespace.run('nft', ['flush', 'chain', 'inet', 'mobyvm_mobyvm0', 'input']);
  await namespace.run('sysctl', ['-qw', 'net.ipv4.ip_forward=0']);
  await namespace.ip('link', 'set', 'dev', 'mobyvm0-t0', 'nomaster');
  await namespace.ip('link', 'set', 'dev', 'mobyvm0-t0', 'down');
}

/** Wrappers around the real `ip` and `nft` whose n-th call fails without doing anything. */
class FailingTools implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async create(): Promise<FailingTools> {
    const tools = new FailingTools(await mkdtemp(join(tmpdir(), 'mobyvm-failing-')));
    for (const program of ['ip', 'nft']) {
      const path = join(tools.folder, program);
      const real = (await run('sh', ['-c', `command -v ${program}`])).stdout.trim();
      await writeFile(
        path,
        `#!/bin/sh
read -r left < ${tools.folder}/left
echo $((left - 1)) > ${tools.folder}/left
if [ "$left" = 1 ]; then echo "failing on purpose" >&2; exit 1; fi
exec ${real} "$@"
`,
      );
      await chmod(path, 0o755);
    }
    await tools.failAt(0);
    return tools;
  }

  get env(): Readonly<Record<string, string>> {
    return { PATH: `${this.folder}:${process.env['PATH'] ?? ''}` };
  }

  /** 0: no call fails. */
  failAt(call: number): Promise<void> {
    return writeFile(join(this.folder, 'left'), `${call}\n`);
  }

  /** Whether the failing call was reached. No further call fails. */
  async hasFailed(): Promise<boolean> {
    const left = Number(await readFile(join(this.folder, 'left'), 'utf8'));
    await this.failAt(0);
    return left <= 0;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
