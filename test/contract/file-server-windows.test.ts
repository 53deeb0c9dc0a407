import { describe, expect, test } from 'vitest';
import { runSteps, ensureSteps } from '../../src/core/host/index.js';
import { CallCount } from '../support/hyperv-host/counting-power-shell.js';
import { FAULT_KINDS } from '../support/hyperv-host/fault-matrix.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { serve } from '../support/share/samba-host.js';
import { windowsFileServerWorld } from '../support/share/windows-file-server-world.js';
import { describeFileServer } from './file-server.js';

const signal = new AbortController().signal;

const make = async (host = new SimulatedHost()) =>
  windowsFileServerWorld(host, new SimulatedPowerShell(host.answer));

describeFileServer("Windows' file server", () => make());

describe("Windows' file server", () => {
  test("gives one account access, and lets the VM's address alone reach the port", async () => {
    const host = new SimulatedHost();
    await using world = await make(host);
    await serve(
      world.server,
      [await world.share('C'), await world.share('D', { isReadOnly: true })],
      world.place,
    );
    expect(host.fileSharing.shares.get('C')).toMatchObject({
      object: { Path: 'C:\\', CachingMode: 'None', FolderEnumerationMode: 'Unrestricted' },
      access: [{ account: 'mobyvm-shares', right: 'Change' }],
    });
    expect(host.fileSharing.shares.get('D')?.access).toEqual([{ account: 'mobyvm-shares', right: 'Read' }]);
    expect([...host.firewall.rules.values()]).toMatchObject([
      { LocalPort: ['445'], LocalAddress: ['10.0.75.1'], RemoteAddress: ['10.0.75.2'], Profile: 'Any' },
    ]);
  });

  test("leaves others' shares, accounts and rules alone, and names what is in the way", async () => {
    const host = new SimulatedHost();
    await using world = await make(host);
    host.fileSharing.addForeignShare('C', 'C:\\other');
    const share = await world.share('C');
    const other = await world.share('D');
    await serve(world.server, [share, other], world.place);
    expect(await world.offered()).toEqual(['d']);
    expect(await world.server.problemOf(world.place, share, signal)).toMatchObject({
      state: 'refused',
      reason: expect.stringContaining('C:\\other') as unknown,
    });
    host.fileSharing.users.set('mobyvm-shares', { Name: 'mobyvm-shares', Enabled: true });
    for (const entry of await world.ledger.list())
      if (entry.kind === 'local-account') await world.ledger.delete(entry);
    await expect(serve(world.server, [share], world.place)).rejects.toMatchObject({
      code: 'MOBYVM_FOREIGN_OBJECT',
    });
  });

  test('refuses accounts that cannot log in over the network, and says why', async () => {
    await using world = await make();
    for (const [user, why] of [
      ['AzureAD\\MeMyself', 'Entra ID'],
      ['pin', 'no password'],
      ['off', 'disabled'],
      ['stranger', 'no local account'],
    ] as const) {
      const share = await world.share('C', { account: { kind: 'user', user } });
      expect(await world.server.problemOf(world.place, share, signal)).toMatchObject({
        state: 'refused',
        reason: expect.stringContaining(why) as unknown,
      });
    }
    const share = await world.share('C', { account: { kind: 'user', user: 'CORP\\me' } });
    await world.credentials.write('CORP\\me', 'x');
    expect(await world.server.login(share, signal)).toEqual({ user: 'me', domain: 'CORP', password: 'x' });
  });

  test('says that the service is disabled', async () => {
    const host = new SimulatedHost();
    await using world = await make(host);
    Object.assign(
      host.system.services.find(({ Name }) => Name === 'LanmanServer')!,
      {
        ...{ State: 'Stopped', StartMode: 'Disabled' },
      },
    );
    await expect(serve(world.server, [await world.share('C')], world.place)).rejects.toMatchObject({
      code: 'MOBYVM_SHARE_SERVER',
    });
  });

  test('gives the account another password when the known one was lost', async () => {
    const host = new SimulatedHost();
    await using world = await make(host);
    const share = await world.share('C');
    await serve(world.server, [share], world.place);
    await world.credentials.remove('mobyvm-shares');
    await serve(world.server, [share], world.place);
    const { password } = await world.server.login(share, signal);
    expect(host.fileSharing.passwords.get('mobyvm-shares')).toBe(password);
  });

  test('the first up takes 8 calls for two shares, a check 5', async () => {
    const host = new SimulatedHost();
    const count = new CallCount();
    await using world = await windowsFileServerWorld(host, count.over(new SimulatedPowerShell(host.answer)));
    const shares = [await world.share('C'), await world.share('D')];
    await serve(world.server, shares, world.place);
    const first = count.total;
    count.reset();
    await serve(world.server, shares, world.place);
    expect([first, count.total]).toEqual([8, 5]);
  });

  test.each(FAULT_KINDS)(
    'when a call goes wrong (%s), nothing stays behind and the next up works',
    async (kind) => {
      for (let nth = 0; ; nth += 1) {
        const host = new SimulatedHost();
        await using world = await make(host);
        const shares = [await world.share('C')];
        const before = await world.snapshot();
        host.fault = { nth, kind };
        const thrown: unknown = await runSteps(ensureSteps(world.server.resources(world.place, shares)), {
          emit: () => undefined,
          signal,
          nowMs: () => 0,
        }).catch((error: unknown) => error);
        if (host.faulted === undefined) break;
        if (thrown !== undefined && kind !== 'afterwards')
          expect([nth, await world.snapshot()]).toEqual([nth, before]);
        host.doAfterwards();
        await serve(world.server, shares, world.place);
        expect(await world.offered()).toEqual(['c']);
      }
    },
  );
});
