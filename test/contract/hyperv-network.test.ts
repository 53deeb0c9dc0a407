import { describe, expect, it } from 'vitest';
import { memoryLedger, resourceStep, type Resource } from '../../src/core/host/index.js';
import { hostAt, parseSubnet } from '../../src/core/values/index.js';
import { firewallRules } from '../../src/vm/network/windows/firewall-rules.js';
import { hostAddress } from '../../src/vm/network/windows/host-address.js';
import { nat } from '../../src/vm/network/windows/nat.js';
import { recorded } from '../../src/vm/network/windows/recorded.js';
import { internalSwitch } from '../../src/vm/network/windows/switch.js';
import { SwitchAdapterReader } from '../../src/vm/network/windows/switch-adapter.js';
import type { PowerShell } from '../../src/powershell/index.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { describeResource, inThisProcess, type ResourceUnderTest } from '../support/resource-contract.js';
import { recordingContext } from '../support/vm/vm-harness.js';

const NAT = 'mobyvm-0c6d1b0e-7a3f-4a57-9a5b-3f6f1f0a2b11';
const TAG = 'mobyvm:0c6d1b0e-7a3f-4a57-9a5b-3f6f1f0a2b11';
const GUID = '5f0d1c1e-0f0e-4d52-8d7e-0a4f1c9b2d11';
const ADAPTER = { interfaceGuid: GUID };
const RULES = [
  { id: 'dns-udp', protocol: 'UDP', ports: [53], program: 'C:\\node.exe', scope: 'switch' },
] as const;
const subnet = parseSubnet('10.0.75.0/24');
const address = { address: hostAt(subnet, 1), prefixLength: 24 };

function world() {
  const host = new SimulatedHost();
  host.network.tentativeLooks = 0;
  const powerShell = new SimulatedPowerShell(host.answer);
  const ledger = memoryLedger();
  return { host, powerShell, ledger };
}

describeResource('the switch', () => {
  const { host, powerShell, ledger } = world();
  return underTest(internalSwitch({ powerShell, ledger, tag: TAG, name: 'mobyvm' }), {}, () =>
    ledgerAnd(ledger, host),
  );
});

describeResource("the host's address on it", () => {
  const { host, powerShell, ledger } = world();
  host.network.addSwitch('mobyvm', TAG);
  const [, adapter] = host.network.adapters;
  // Its adapter belongs to the switch: that DHCP is off, and what Windows gave itself gone, need not be undone.
  Object.assign(adapter!, { hasDhcp: false, addresses: [] });
  const own = recorded(addressOf(powerShell), ledger, { kind: 'switch-address', name: 'mobyvm' });
  return underTest(own, address, () => ledgerAnd(ledger, host));
});

describeResource('the NAT network', () => {
  const { host, powerShell, ledger } = world();
  const own = recorded(nat({ powerShell, name: NAT }), ledger, { kind: 'nat-network', name: NAT });
  return underTest(own, subnet, () => ledgerAnd(ledger, host));
});

describeResource('the firewall rules', () => {
  const { host, powerShell, ledger } = world();
  const wanted = { rules: RULES, ...ADAPTER };
  const own = recorded(firewallOf(powerShell), ledger, { kind: 'firewall-rules', name: 'mobyvm-x-' });
  return underTest(own, wanted, () => ledgerAnd(ledger, host));
});

describe('on a host that was changed meanwhile', () => {
  it('rules of an adapter that was recreated under the same name are recreated', async () => {
    const { host, powerShell } = world();
    const firewall = firewallOf(powerShell);
    await resourceStep(firewall, { rules: RULES, ...ADAPTER }).run(recordingContext());
    const recreated = { rules: RULES, ...ADAPTER, interfaceGuid: '11111111-0f0e-4d52-8d7e-0a4f1c9b2d11' };
    expect(await resourceStep(firewall, recreated).run(recordingContext())).toBe('update');
    expect(host.firewall.rules.size).toBe(1);
  });

  it('a NAT network that Windows created after the call had timed out is still recognised', async () => {
    const { host, powerShell } = world();
    host.network.nats.push({ name: NAT, prefix: '10.0.80.0/24' });
    const ours = nat({ powerShell, name: NAT });
    expect(await resourceStep(ours, subnet).run(recordingContext())).toBe('replace');
    expect(host.network.nats).toEqual([{ name: NAT, prefix: '10.0.75.0/24' }]);
  });

  it('the switch is recognised by its GUID even without its notes, and never by its name alone', async () => {
    const { host, powerShell, ledger } = world();
    const ours = internalSwitch({ powerShell, ledger, tag: TAG, name: 'mobyvm' });
    await resourceStep(ours, {}).run(recordingContext());
    Object.assign(host.network.switches[0]!, { notes: '' });
    expect(await resourceStep(ours, {}).run(recordingContext())).toBe('none');
    const later = internalSwitch({ powerShell, ledger: memoryLedger(), tag: TAG, name: 'mobyvm' });
    await expect(resourceStep(later, {}).run(recordingContext())).rejects.toMatchObject({
      code: 'MOBYVM_FOREIGN_OBJECT',
    });
    await later.remove(recordingContext());
    expect(host.network.switches).toHaveLength(1);
  });

  it.each([
    ['its name', { name: 'renamed' }],
    ['its type', { type: 'Private' }],
  ])('the switch is recreated if %s was changed', async (_, change) => {
    const { host, powerShell, ledger } = world();
    const ours = internalSwitch({ powerShell, ledger, tag: TAG, name: 'mobyvm' });
    await resourceStep(ours, {}).run(recordingContext());
    Object.assign(host.network.switches[0]!, change);
    expect(await resourceStep(ours, {}).run(recordingContext())).toBe('replace');
    expect(host.network.switches.map(({ name, type }) => [name, type])).toEqual([['mobyvm', 'Internal']]);
  });

  it('up waits for the adapter of a new switch and for its IP interface', async () => {
    const { host, powerShell } = world();
    host.network.adapterLooks = 2;
    host.network.addSwitch('mobyvm', TAG);
    await resourceStep(addressOf(powerShell), address).run(recordingContext());
    expect(host.network.snapshot()['adapters']).toContainEqual({
      ...{ alias: 'vEthernet (mobyvm)', hasDhcp: false, addresses: ['10.0.75.1/24'] },
    });
  });

  it('an adapter with DHCP and a wrong prefix is corrected', async () => {
    const { host, powerShell } = world();
    host.network.tentativeLooks = 2;
    host.network.addSwitch('mobyvm', TAG);
    const adapter = host.network.adapters[1]!;
    adapter.addresses.push({ address: '10.0.75.1', prefixLength: 8, looksUntilUsable: 0 });
    expect(await resourceStep(addressOf(powerShell), address).run(recordingContext())).toBe('update');
    expect(host.network.snapshot()['adapters']).toContainEqual({
      ...{ alias: 'vEthernet (mobyvm)', hasDhcp: false, addresses: ['10.0.75.1/24'] },
    });
  });

  it('a foreign NAT network whose prefix contains the subnet is used, and never removed', async () => {
    const { host, powerShell } = world();
    host.network.nats.push({ name: 'lab', prefix: '10.0.0.0/8' });
    const ours = nat({ powerShell, name: NAT });
    expect(await resourceStep(ours, subnet).run(recordingContext())).toBe('none');
    await ours.remove(recordingContext());
    expect(host.network.nats).toHaveLength(1);
  });

  it.each([true, false])(
    'a second NAT network is tried beside a foreign one; Windows accepts it: %s',
    async (takes) => {
      const { host, powerShell, ledger } = world();
      host.network.takesSeveralNats = takes;
      host.network.nats.push({ name: 'lab', prefix: '192.168.100.0/24' });
      const ours = nat({ powerShell, name: NAT });
      const context = recordingContext();
      const outcome = resourceStep(ours, subnet).run(context);
      if (takes) expect(await outcome).toBe('create');
      else await expect(outcome).rejects.toMatchObject({ code: 'MOBYVM_NAT' });
      await context.undoAll();
      expect(host.network.nats).toEqual([{ name: 'lab', prefix: '192.168.100.0/24' }]);
      expect(await ledger.list()).toEqual([]);
    },
  );

  it('a disabled rule is recreated', async () => {
    const { host, powerShell } = world();
    const step = resourceStep(firewallOf(powerShell), { rules: RULES, ...ADAPTER });
    await step.run(recordingContext());
    const rule = host.firewall.rules.get('mobyvm-x-dns-udp')!;
    host.firewall.rules.set('mobyvm-x-dns-udp', { ...rule, Enabled: 'False' });
    expect(await step.run(recordingContext())).toBe('update');
    expect(host.firewall.rules.get('mobyvm-x-dns-udp')).toEqual(rule);
  });
});

function firewallOf(powerShell: PowerShell) {
  const adapter = {
    adapter: () => Promise.resolve({ interfaceIndex: 21, alias: 'vEthernet (mobyvm)', guid: GUID }),
  };
  return firewallRules({ powerShell, adapter, prefix: 'mobyvm-x-' });
}

function addressOf(powerShell: PowerShell) {
  const adapter = new SwitchAdapterReader(powerShell, 'mobyvm');
  return hostAddress({ powerShell, adapter, switchName: 'mobyvm' }, address);
}

function underTest<Wanted, Found>(
  resource: Resource<Wanted, Found>,
  wanted: Wanted,
  snapshot: () => Promise<unknown>,
): Promise<ResourceUnderTest> {
  return Promise.resolve(inThisProcess({ resource, wanted, snapshot }));
}

async function ledgerAnd(ledger: ReturnType<typeof memoryLedger>, host: SimulatedHost): Promise<unknown> {
  // Without the details: a GUID is a different one each time.
  const entries = (await ledger.list()).map(({ kind, name }) => ({ kind, name }));
  return { entries, host: host.snapshot() };
}
