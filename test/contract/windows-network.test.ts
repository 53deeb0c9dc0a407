import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryLedger, runSteps, type Ledger } from '../../src/core/host/index.js';
import { formatSubnet, parseSubnet } from '../../src/core/values/index.js';
import type { PowerShell } from '../../src/powershell/index.js';
import {
  earlierWindowsNetwork,
  gatherWindowsNetworks,
  hostRules,
  planSubnet,
  switchDevice,
  switchSubnet,
  windowsNetwork,
  windowsResolvers,
  type WindowsNetwork,
  type WindowsNetworkOptions,
} from '../../src/vm/index.js';
import { FAULTS } from '../support/hyperv-host/host-failure.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';

const signal = new AbortController().signal;
const context = { signal, progress: () => undefined };
const MACHINE_ID = '0c6d1b0e-7a3f-4a57-9a5b-3f6f1f0a2b11';
const NODE = 'C:\\Program Files\\mobyvm\\node.exe';

let host: SimulatedHost;
let powerShell: PowerShell;
let ledger: Ledger;

beforeEach(() => {
  host = new SimulatedHost();
  host.network.tentativeLooks = 0;
  powerShell = new SimulatedPowerShell(host.answer);
  ledger = memoryLedger();
});
afterEach(() => host.close());

function network(more: Partial<WindowsNetworkOptions> = {}): WindowsNetwork {
  return windowsNetwork({
    powerShell,
    machineId: MACHINE_ID,
    name: 'mobyvm',
    subnet: parseSubnet('10.0.75.0/24'),
    nat: 'auto',
    rules: hostRules({ program: NODE, services: [], isLanAllowed: true }),
    ledger,
    ...more,
  });
}

function up({ steps }: WindowsNetwork): Promise<void> {
  return runSteps(steps, { emit: () => undefined, signal, nowMs: () => 0 });
}

const kinds = async (): Promise<readonly string[]> => (await ledger.list()).map(({ kind }) => kind).sort();

describe('the network of a Windows host', () => {
  it("reports the machine's switch and the host's address", () => {
    expect(network()).toMatchObject({ attachment: 'mobyvm', hostAddress: '10.0.75.1' });
  });

  it('is in the ledger before each effect, and not after its removal', async () => {
    const EFFECTS: Readonly<Record<string, string>> = {
      'New-VMSwitch': 'vm-switch',
      'New-NetIPAddress': 'switch-address',
      'New-NetNat': 'nat-network',
      'New-NetFirewallRule': 'firewall-rules',
    };
    const unrecorded: string[] = [];
    const noting: PowerShell = {
      ...powerShell,
      run: async (pipeline, options) => {
        await note(pipeline);
        await powerShell.run(pipeline, options);
      },
      read: async (query, options) => {
        await note(query.pipeline);
        return powerShell.read(query, options);
      },
    };
    const note = async (pipeline: readonly object[]): Promise<void> => {
      for (const stage of pipeline) {
        const kind = 'cmdlet' in stage ? EFFECTS[String(stage.cmdlet)] : undefined;
        if (kind !== undefined && !(await kinds()).includes(kind)) unrecorded.push(kind);
      }
    };
    const own = network({ powerShell: noting });
    await up(own);
    expect(unrecorded).toEqual([]);
    expect(await kinds()).toEqual(Object.values(EFFECTS).sort());
    await own.removeAll(context);
    expect(await ledger.list()).toEqual([]);
    expect(host.network.switches).toEqual([]);
  });

  it('that could not be undone stays in the ledger, so that the next uninstall finds it', async () => {
    const stubborn = new SimulatedPowerShell((call) =>
      call.command === 'Remove-VMSwitch' || call.command === 'New-NetNat'
        ? { kind: 'failure', failure: FAULTS.error }
        : host.answer(call),
    );
    await expect(up(network({ powerShell: stubborn }))).rejects.toBeInstanceOf(AggregateError);
    expect(await kinds()).toContain('vm-switch');
    for (const each of await earlierWindowsNetwork({ powerShell, machineId: MACHINE_ID, ledger }))
      await each.remove(context);
    expect(await ledger.list()).toEqual([]);
    expect(host.network.switches).toEqual([]);
  });

  it('of earlier settings is removed as recorded in the ledger', async () => {
    const before = host.snapshot();
    await up(network({ name: 'earlier', subnet: parseSubnet('10.0.80.0/24') }));
    for (const each of await earlierWindowsNetwork({ powerShell, machineId: MACHINE_ID, ledger }))
      await each.remove(context);
    expect(host.snapshot()).toEqual(before);
    expect(await ledger.list()).toEqual([]);
  });

  it('is kept, except for the firewall rules, while a saved machine needs it', async () => {
    let isSaved = true;
    const own = network({ isNeeded: () => Promise.resolve(isSaved) });
    await up(own);
    await own.removeAll(context);
    expect(host.network.switches).toHaveLength(1);
    expect(host.network.nats).toHaveLength(1);
    expect(await switchSubnet(powerShell, 'mobyvm', signal)).toEqual(parseSubnet('10.0.75.0/24'));
    isSaved = false;
    await own.removeAll(context);
    expect(host.network.switches).toEqual([]);
    expect(await switchSubnet(powerShell, 'mobyvm', signal)).toBeUndefined();
  });
});

describe('firewall rules', () => {
  it('let the machine reach DNS, DHCP, port requests and forwarded loopback ports, on its switch only', async () => {
    const services = [
      { protocol: 'tcp', port: 5_432 },
      { protocol: 'udp', port: 8_125 },
      { protocol: 'tcp', port: 53 },
    ] as const;
    await up(network({ rules: hostRules({ program: NODE, services, isLanAllowed: false }) }));
    expect([...host.firewall.rules.values()]).toMatchObject([
      { Protocol: 'UDP', LocalPort: ['53', '67', '8125'], InterfaceAlias: ['vEthernet (mobyvm)'] },
      { Protocol: 'TCP', LocalPort: ['53', '2374', '5432'], InterfaceAlias: ['vEthernet (mobyvm)'] },
    ]);
  });

  it('let other computers reach published ports of mobyvm’s own node.exe, if that is allowed', async () => {
    await up(network());
    const lan = [...host.firewall.rules.values()].filter(({ InterfaceAlias }) =>
      [InterfaceAlias].flat().includes('Any'),
    );
    expect(lan.map(({ Protocol, LocalPort, Program }) => [Protocol, LocalPort, Program])).toEqual([
      ['UDP', ['Any'], NODE],
      ['TCP', ['Any'], NODE],
    ]);
    const closed = network({ rules: hostRules({ program: NODE, services: [], isLanAllowed: false }) });
    expect(await closed.plan(context)).toContainEqual(
      expect.objectContaining({
        id: 'network-firewall',
        change: expect.objectContaining({ kind: 'update' }) as unknown,
      }),
    );
    await up(closed);
    expect(host.firewall.rules.size).toBe(2);
  });
});

describe('the subnet on a Windows host', () => {
  const choose = async (): Promise<string> =>
    formatSubnet(
      planSubnet({
        wanted: 'auto',
        bridge: switchDevice('mobyvm'),
        host: await gatherWindowsNetworks(powerShell, signal),
      }),
    );

  it('is the first without an address or route, except those of mobyvm’s own switch', async () => {
    expect(await choose()).toBe('10.0.75.0/24');
    await up(network());
    expect(await choose()).toBe('10.0.75.0/24');
    host.network.adapters[0]!.addresses.push({
      address: '10.0.75.9',
      prefixLength: 24,
      looksUntilUsable: 0,
    });
    expect(await choose()).toBe('10.0.76.0/24');
    host.system.routes.push({ DestinationPrefix: '10.0.0.0/8', InterfaceAlias: 'corp' });
    expect(await choose()).toBe('192.168.65.0/24');
  });

  it('may be inside a foreign NAT network, which is then used', async () => {
    host.system.routes.push({ DestinationPrefix: '10.0.0.0/16', InterfaceAlias: 'vEthernet (lab)' });
    expect(await choose()).toBe('192.168.65.0/24');
    host.network.nats.push({ name: 'lab', prefix: '10.0.0.0/16' });
    expect(await choose()).toBe('10.0.75.0/24');
  });

  it('is chosen without NAT networks if only an administrator can read them', async () => {
    powerShell = new SimulatedPowerShell((call) =>
      call.command === 'Get-NetNat' ? { kind: 'failure', failure: FAULTS.denied } : host.answer(call),
    );
    expect(await choose()).toBe('10.0.75.0/24');
  });
});

describe('the name servers of a Windows host', () => {
  it('are sorted by interface metric, without those of mobyvm’s switch and without placeholders', async () => {
    await up(network());
    host.network.adapters.push({
      ...host.network.adapters[0]!,
      index: 9,
      alias: 'corp',
      metric: 5,
      nameServers: ['10.9.9.9', '192.168.1.1'],
      nameServers6: [],
      addresses: [],
    });
    expect(await windowsResolvers(powerShell, 'mobyvm', signal)).toEqual([
      '10.9.9.9',
      '192.168.1.1',
      '9.9.9.9',
      'fe80::1%4',
    ]);
  });
});
