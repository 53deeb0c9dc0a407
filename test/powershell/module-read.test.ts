import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { addMachine, addNetwork, TAG } from '../support/hyperv-host/host-with-machine.js';
import { RUNS_SCRIPTS } from '../support/pwsh-host/console-program.js';
import { printed } from '../support/pwsh-host/daemon-answers.js';
import { ModuleHost } from '../support/pwsh-host/module-host.js';

const LINUX = { isWindows: false };
// Each starts PowerShell, or waits for programs that it starts.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
let module: ModuleHost;

beforeAll(async () => {
  if (RUNS_SCRIPTS) module = await ModuleHost.create();
});
afterAll(async () => {
  if (RUNS_SCRIPTS) await module[Symbol.asyncDispose]();
});
beforeEach(async () => {
  if (RUNS_SCRIPTS) await module.reset();
});

const each = (pool: 'host' | 'guest' | 'intrinsic'): string => `kvp list --pool ${pool}`;
function daemonRuns(): void {
  module.answers['status --json'] = printed.status();
  module.answers[each('host')] = printed.kvp(
    'host',
    { greeting: 'Grüße <&> "x"', date: '2025-01-02T03:04:05Z', token: 'hunter2' },
    ['token'],
  );
  module.answers[each('guest')] = printed.kvp('guest', { 'mobyvm.guest': 'ready' });
  module.answers[each('intrinsic')] = printed.kvp('intrinsic', { OSName: 'Moby Linux' });
}

describe.skipIf(!RUNS_SCRIPTS)('with the daemon', () => {
  beforeEach(daemonRuns);

  it('the status is what the daemon reports', async () => {
    const { objects, errors, warnings } = await module.run('Get-MobyVmStatus');
    expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
    expect(objects).toMatchObject([
      {
        type: 'MobyVm.Status',
        value: {
          ...{ Source: 'daemon', State: 'running', VmState: 'running', VmAddress: '10.0.75.2' },
          ...{ EngineReachable: true, EngineVersion: '28.3.3', Cpus: 2, Problem: null, Version: '0.1.0' },
          Shares: [{ name: 'C' }, { name: 'D', reason: 'no answer' }],
        },
      },
    ]);
  });

  it('times are local times, whatever PowerShell makes of them', async () => {
    expect(await module.objects('(Get-MobyVmStatus).Since.ToUniversalTime().ToString("s")')).toEqual([
      '2025-11-29T07:41:45',
    ]);
  });

  it('key-value items have the values that were set, and secrets are masked', async () => {
    expect(await module.objects('Get-MobyVmKvp')).toEqual(
      [
        ['guest', 'mobyvm.guest', 'ready', false],
        ['host', 'date', '2025-01-02T03:04:05Z', false],
        ['host', 'greeting', 'Grüße <&> "x"', false],
        ['host', 'token', '***', true],
        ['intrinsic', 'OSName', 'Moby Linux', false],
      ].map(([Pool, Name, Value, IsMasked]) => ({ Pool, Name, Value, IsMasked, Source: 'daemon' })),
    );
  });

  it.each<[string, readonly string[]]>([
    ['Get-MobyVmKvp -Pool Host -Name token, g*', ['greeting', 'token']],
    ['"OSName", "mobyvm.*" | Get-MobyVmKvp', ['mobyvm.guest', 'OSName']],
    ['[pscustomobject]@{ Name = "date" } | Get-MobyVmKvp', ['date']],
    ['Get-MobyVmKvp none', []],
  ])('%s selects by name', async (script, names) => {
    expect(await module.objects(`${script} | ForEach-Object { $_.Name }`)).toEqual(names);
  });

  it('addresses are the lease and those that the guest reports', async () => {
    expect(await module.objects('Get-MobyVmIPAddress')).toEqual([
      { Address: '10.0.75.2', Family: 'IPv4', Origin: 'lease', Source: 'daemon' },
      { Address: '10.0.75.2', Family: 'IPv4', Origin: 'guest', Source: 'daemon' },
      { Address: 'fe80::2', Family: 'IPv6', Origin: 'guest', Source: 'daemon' },
    ]);
  });

  it('shares are checked by the daemon, all of them if none is named', async () => {
    const steps = [
      { step: 'folder', verdict: 'ok', detail: '', remedy: '' },
      { step: 'tcp', verdict: 'failed', detail: 'no answer', remedy: 'Start the server.' },
    ];
    module.answers['share check'] = printed.shareCheck(steps);
    expect(
      await module.objects("Test-MobyVmShare; 'C', 'E:\\a b\\' | Test-MobyVmShare; @() | Test-MobyVmShare"),
    ).toEqual(
      ['C', 'D', 'C', 'E:\\a b\\'].flatMap((Share) =>
        steps.map(({ step, verdict, detail, remedy }) => ({
          ...{ Share, Step: step, Verdict: verdict, Detail: detail, Remedy: remedy, Source: 'daemon' },
        })),
      ),
    );
    const names = (await module.calls()).filter(({ args }) => args[0] === 'share').map(({ args }) => args[2]);
    expect(names).toEqual(['C', 'D', 'C', 'E:\\a b\\']);
  });

  it('a share that does not exist is an error with the code of mobyvm, and the others are checked', async () => {
    module.answers['share check'] = printed.error('MOBYVM_SHARE', '"X" is not shared.', 'mobyvm share add X');
    const { errors, objects } = await module.run('Test-MobyVmShare -Name X, Y');
    expect(objects).toEqual([]);
    expect(errors).toEqual(
      Array(2).fill({
        ...{ id: 'MOBYVM_SHARE,Test-MobyVmShare', category: 'InvalidResult' },
        ...{ message: '"X" is not shared.', remedy: 'mobyvm share add X' },
      }),
    );
  });
});

describe.skipIf(!RUNS_SCRIPTS)('without the daemon, on Windows', () => {
  it.each<[string, (host: SimulatedHost) => void, readonly object[], number]>([
    ['no machine', () => undefined, [{ VmState: 'absent', VmId: null }], 0],
    [
      'one machine, and others',
      (host) => {
        addMachine(host);
        addMachine(host, 'foreign').notes = 'mobyvm';
      },
      [{ VmState: 'running', VmName: 'mobyvm', Cpus: 1, MemoryMiB: 2_048, Switch: 'mobyvm' }],
      0,
    ],
    [
      'a machine and its copy',
      (host) => {
        addMachine(host);
        addMachine(host, 'copy').state = 'Off';
      },
      [
        { VmState: 'running', VmName: 'mobyvm' },
        { VmState: 'off', VmName: 'copy' },
      ],
      1,
    ],
  ])('the status is of Hyper-V: %s', async (_, prepare, expected, warned) => {
    prepare(module.host);
    const { objects, errors, warnings } = await module.run('Get-MobyVmStatus');
    expect(errors).toEqual([]);
    expect(warnings).toHaveLength(warned);
    const common = {
      Source: 'Hyper-V',
      State: 'not-running',
      EngineReachable: false,
      ServiceState: 'absent',
    };
    expect(objects.map(({ value }) => value)).toMatchObject(expected.map((each) => ({ ...common, ...each })));
  });

  it('key-value items are of Hyper-V, and those of the host are masked unless they are asked for', async () => {
    const { kvp } = addMachine(module.host);
    kvp?.host.set('greeting', 'a <b> & "c"\r\n');
    kvp?.host.set('mobyvm.config#0', 'secret');
    kvp?.host.set('cifsmount', '{"password":"hunter2"}');
    kvp?.guest.set('mobyvm.guest', 'ready\u009b31m');
    kvp?.oddTexts.push('<!DOCTYPE x [<!ENTITY a "b">]><INSTANCE/>', 'no XML', '<INSTANCE CLASSNAME="x"/>');
    const names = ['cifsmount', 'greeting', 'mobyvm.config#0'];
    const valuesOf = async (script: string): Promise<unknown> =>
      (await module.objects(`${script} | ForEach-Object { $_.Value }`)).flat();
    expect(await module.objects('Get-MobyVmKvp -Pool Host | ForEach-Object { $_.Name }')).toEqual(names);
    expect(await valuesOf('Get-MobyVmKvp -Pool Host')).toEqual(['***', '***', '***']);
    expect(await valuesOf('Get-MobyVmKvp -Pool Host -ShowValue')).toEqual(['***', 'a <b> & "c"\n', '***']);
    expect(await valuesOf('Get-MobyVmKvp -Pool Guest')).toEqual(['ready31m']);
  });

  it('of several machines one has to be named', async () => {
    addMachine(module.host);
    const copy = addMachine(module.host, 'copy');
    const { errors } = await module.run('Get-MobyVmKvp; Get-MobyVmIPAddress');
    expect(errors.map(({ id }) => id)).toEqual([
      'MobyVmSeveralMachines,Get-MobyVmKvp',
      'MobyVmSeveralMachines,Get-MobyVmIPAddress',
    ]);
    const script = [
      `Get-MobyVmKvp -VMId ${copy.id} -Name OSName`,
      'Get-MobyVmStatus -WarningAction Ignore | Where-Object VmName -EQ copy | Get-MobyVmKvp -Name OSName',
      `Get-MobyVmIPAddress -VMId ${copy.id} | Select-Object -First 1 -Property Source`,
    ].join('; ');
    expect(await module.objects(script)).toMatchObject([
      { Name: 'OSName', Source: 'Hyper-V' },
      { Name: 'OSName', Source: 'Hyper-V' },
      { Source: 'Hyper-V' },
    ]);
  });

  it('services and COM ports are those of all machines, or of those in the pipeline', async () => {
    addMachine(module.host);
    addMachine(module.host, 'copy');
    const of = '| ForEach-Object { $_.VMName } | Select-Object -Unique';
    expect(
      await module.objects(
        [
          `Get-MobyVmComPort ${of}`,
          `Get-VM -Name copy | Get-MobyVmIntegrationService ${of}`,
          `Get-MobyVmStatus | Where-Object VmName -EQ copy | Get-MobyVmComPort ${of}`,
        ].join('; '),
        {},
      ),
    ).toEqual(['mobyvm', 'copy', 'copy', 'copy']);
    expect(
      await module.objects('Get-MobyVmComPort | Select-Object -First 2 -Property Number, Path, IsConnected'),
    ).toEqual([
      { Number: 1, Path: '\\\\.\\pipe\\mobyvm_console', IsConnected: true },
      { Number: 2, Path: '', IsConnected: false },
    ]);
    const wrong =
      'Get-MobyVmIntegrationService | Where-Object IsAsNeeded -EQ $false | ForEach-Object { $_.Name } | Select-Object -Unique';
    expect(await module.objects(wrong)).toEqual(['KeyValueExchange', 'GuestServiceInterface']);
  });

  it('addresses are those that the guest reports', async () => {
    addMachine(module.host);
    expect(await module.objects('Get-MobyVmIPAddress | ForEach-Object { $_.Address }')).toEqual([
      '10.0.75.2',
      '172.17.0.1',
      'fe80::2',
    ]);
    module.host.machines[0]!.state = 'Off';
    const { errors } = await module.run('Get-MobyVmIPAddress');
    expect(errors).toMatchObject([
      { id: 'MobyVmNotRunning,Get-MobyVmIPAddress', remedy: 'Start it with: mobyvm up' },
    ]);
  });

  it('the switch is found by its notes, with its adapter, address and NAT network', async () => {
    expect(await module.objects('Get-MobyVmSwitch')).toEqual([]);
    module.host.network.addSwitch('other', '');
    addNetwork(module.host);
    expect(await module.objects('Get-MobyVmSwitch; Get-MobyVmSwitch -Name other')).toMatchObject([
      {
        ...{ Name: 'mobyvm', Type: 'Internal', Adapter: 'vEthernet (mobyvm)', AdapterStatus: 'Up' },
        ...{ Address: ['10.0.75.1/24'], NatName: 'mobyvm', NatPrefix: '10.0.75.0/24', Source: 'Hyper-V' },
      },
      { Name: 'other', Address: [], NatName: null },
    ]);
  });

  it.each<[string, (host: SimulatedHost) => void, Readonly<Record<string, string>>]>([
    ['nothing is wrong', () => undefined, {}],
    ['no switch', (host) => host.network.switches.splice(0), { switch: 'problem' }],
    [
      'a private switch',
      (host) => {
        const [made] = host.network.switches.splice(0);
        if (made !== undefined) host.network.switches.push({ ...made, type: 'Private' });
      },
      { switch: 'problem' },
    ],
    ['no adapter', (host) => host.network.adapters.splice(1), { adapter: 'problem' }],
    [
      'no address',
      (host) => host.network.adapters[1]!.addresses.splice(0),
      { address: 'problem', nat: 'problem' },
    ],
    ['no NAT network', (host) => host.network.nats.splice(0), { nat: 'problem' }],
    [
      'an address of another adapter',
      (host) =>
        host.network.adapters[0]!.addresses.push({
          address: '10.0.75.9',
          prefixLength: 24,
          looksUntilUsable: 0,
        }),
      { overlap: 'problem' },
    ],
    [
      'the route of a VPN',
      (host) => host.system.routes.push({ DestinationPrefix: '10.0.75.0/25', InterfaceAlias: 'VPN' }),
      { overlap: 'problem' },
    ],
    [
      'a wider route of a VPN',
      (host) => host.system.routes.push({ DestinationPrefix: '10.0.0.0/8', InterfaceAlias: 'VPN' }),
      { overlap: 'notice' },
    ],
    [
      'the default routes of a VPN',
      (host) => host.system.routes.push({ DestinationPrefix: '0.0.0.0/1', InterfaceAlias: 'VPN' }),
      {},
    ],
    ['no firewall rule', (host) => host.firewall.rules.clear(), { firewall: 'problem' }],
    [
      'a rule that is off',
      (host) =>
        host.firewall.rules.set('services-tcp', {
          ...host.firewall.rules.get('services-tcp'),
          Enabled: 'False',
        }),
      { firewall: 'problem' },
    ],
    [
      'a policy without local rules',
      (host) =>
        host.firewall.profiles.splice(2, 1, {
          Name: 'Public',
          Enabled: 'True',
          AllowLocalFirewallRules: 'False',
        }),
      { firewall: 'problem' },
    ],
    [
      'a second switch',
      (host) => void host.network.addSwitch('copy', TAG),
      { switch: 'notice', address: 'problem', nat: 'problem' },
    ],
  ])('Test-MobyVmNetwork finds what is wrong: %s', async (_, change, expected) => {
    addNetwork(module.host);
    change(module.host);
    const script =
      'Test-MobyVmNetwork | Where-Object Verdict -NE fine | ForEach-Object { @{ id = $_.Id; verdict = $_.Verdict; remedy = $_.Remedy } }; Test-MobyVmNetwork -Quiet';
    const rows = await module.objects(script);
    const wrong = rows.slice(0, -1) as { id: string; verdict: string; remedy: string }[];
    expect(Object.fromEntries(wrong.map(({ id, verdict }) => [id, verdict]))).toEqual(expected);
    expect(wrong.every(({ remedy }) => remedy !== '')).toBe(true);
    expect(rows.at(-1)).toBe(!Object.values(expected).includes('problem'));
  });

  it('ports are shown with their programs, services and reservations', async () => {
    module.host.system.tcpListeners.push({
      LocalAddress: '127.0.0.1',
      LocalPort: 50_001,
      OwningProcess: 999,
    });
    const script =
      'Get-MobyVmPortOwner -Port 53, 67, 2375; 445, 50001 | Get-MobyVmPortOwner -Protocol TCP; Get-MobyVmPortOwner -Port 9';
    expect(
      await module.objects(
        `@(${script}) | ForEach-Object { "$($_.Port) $($_.Protocol) $($_.ProcessId) $($_.ProcessName) $($_.Service) $($_.Reserved)" }`,
      ),
    ).toEqual([
      '53 UDP 1300 svchost SharedAccess ',
      '445 TCP 4 System  ',
      '50001 TCP 999   ',
      '50001 TCP    50000-50059',
    ]);
  });

  it('shares are checked as far as Windows knows them', async () => {
    const { fileSharing, firewall } = module.host;
    const object = { Name: 'mobyvm-c', Path: module.logDir, Description: TAG };
    fileSharing.shares.set('mobyvm-c', { object, access: [{ account: 'mobyvm', right: 'Change' }] });
    firewall.rules.set('s', { Name: 's', Group: 'mobyvm shares', Enabled: 'True' });
    const row = '| ForEach-Object { "$($_.Step) $($_.Verdict) $($_.Source)" }';
    expect(await module.objects(`Test-MobyVmShare ${row}`)).toEqual([
      ...['folder', 'server', 'account', 'tcp'].map((step) => `${step} ok Windows`),
      'mount skipped Windows',
    ]);
    firewall.rules.delete('s');
    fileSharing.shares.set('mobyvm-c', {
      object: { ...object, Path: join(module.logDir, 'missing') },
      access: [],
    });
    module.host.system.services[1]!.State = 'Stopped';
    expect(await module.objects(`Test-MobyVmShare ${row}`)).toEqual([
      ...['folder', 'server', 'account', 'tcp'].map((step) => `${step} failed Windows`),
      'mount skipped Windows',
    ]);
    expect(await module.objects(`Test-MobyVmShare -Name Z ${row}`)).toEqual(['server failed Windows']);
  });
});

describe.skipIf(!RUNS_SCRIPTS)('logs', () => {
  const line = (time: string, level: string, event: string, more: object = {}): string =>
    `${JSON.stringify({ time: `2025-11-29T07:${time}.000Z`, level, event, ...more })}\n`;

  it('the last entries of all files are shown, by level and time', async () => {
    await writeFile(join(module.logDir, 'daemon2.log'), line('00:00', 'error', 'old'));
    await writeFile(
      join(module.logDir, 'daemon1.log'),
      line('10:00', 'info', 'a') + line('10:01', 'warn', 'b'),
    );
    await writeFile(
      join(module.logDir, 'daemon.log'),
      line('20:00', 'info', 'vm.started', { name: 'Grüße', ms: 15, ok: true, text: '"level":"error"' }) +
        'torn {\n',
    );
    const events = '| ForEach-Object { if ($_.Event) { $_.Event } else { $_.Message } }';
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['Get-MobyVmLog', ['old', 'a', 'b', 'vm.started', 'torn {']],
      ['Get-MobyVmLog -Tail 3', ['b', 'vm.started', 'torn {']],
      ['Get-MobyVmLog -Tail 0', []],
      ['Get-MobyVmLog -Level Warn', ['old', 'b']],
      ['Get-MobyVmLog -Level Error -Tail 1', ['old']],
      ['Get-MobyVmLog -Since "2025-11-29T07:10:01Z"', ['b', 'vm.started', 'torn {']],
    ];
    for (const [script, expected] of cases)
      expect(await module.objects(`${script} ${events}`), script).toEqual(expected);
    expect(await module.objects('Get-MobyVmLog -Tail 2 | Select-Object -First 1')).toMatchObject([
      {
        ...{ Level: 'info', Event: 'vm.started', Source: 'file' },
        Message: 'name=Grüße ms=15 ok=true text="level":"error"',
        Data: { name: 'Grüße', ms: 15, ok: true },
      },
    ]);
  });

  it('-Follow shows what mobyvm prints, line by line', async () => {
    module.answers['logs --json'] = { stdout: line('00:00', 'info', 'a') + line('00:01', 'warn', 'b') };
    module.answers['console --follow'] = { stdout: 'one\n\u001b[1mtwo\u001b[0m\n' };
    expect(await module.objects('Get-MobyVmLog -Follow -Level Warn | ForEach-Object { $_.Event }')).toEqual([
      'b',
    ]);
    expect(await module.objects('Get-MobyVmConsole -Follow -Tail 7 | ForEach-Object { $_.Text }')).toEqual([
      'one',
      'two',
    ]);
    expect((await module.calls()).map(({ args }) => args.join(' '))).toEqual([
      'logs --json --follow --lines 50',
      'console --follow --lines 7',
    ]);
    module.answers['logs --json'] = printed.error(
      'MOBYVM_DAEMON_NOT_RUNNING',
      'There is no daemon log yet.',
      'Wait.',
    );
    const { errors } = await module.run('Get-MobyVmLog -Follow');
    expect(errors).toMatchObject([{ id: 'MOBYVM_DAEMON_NOT_RUNNING,Get-MobyVmLog', remedy: 'Wait.' }]);
  });

  it('-Follow -Since shows what was written since then, however much, and then what comes', async () => {
    module.answers['logs --json'] = {
      stdout: line('00:00', 'info', 'before') + line('00:01', 'info', 'a') + line('00:02', 'debug', 'b'),
    };
    const since = '-Follow -Since "2025-11-29T07:00:01Z"';
    const events = '| ForEach-Object { $_.Event }';
    expect(await module.objects(`Get-MobyVmLog ${since} ${events}`)).toEqual(['a', 'b']);
    expect(await module.objects(`Get-MobyVmLog ${since} -Level Info -Tail 5 ${events}`)).toEqual(['a']);
    expect((await module.calls()).map(({ args }) => args.join(' '))).toEqual([
      'logs --json --follow --lines 100000',
      'logs --json --follow --lines 5',
    ]);
  });

  it('the console is shown without control characters, over both files', async () => {
    await writeFile(join(module.logDir, 'console.log.1'), 'first\n');
    await writeFile(join(module.logDir, 'console.log'), '\u001b[2J\u001b[31mpanic\u0007\r\nlast');
    expect(await module.objects('Get-MobyVmConsole | ForEach-Object { $_.Text }')).toEqual([
      'first',
      'panic',
      'last',
    ]);
    expect(await module.objects('Get-MobyVmConsole -Tail 1 | ForEach-Object { $_.Text }')).toEqual(['last']);
  });

  it('a log that does not exist is an error that says where it would be', async () => {
    const { errors } = await module.run('Get-MobyVmLog; Get-MobyVmConsole');
    expect(errors).toMatchObject([
      { id: 'MobyVmNoLog,Get-MobyVmLog', message: expect.stringContaining('daemon.log') as string },
      { id: 'MobyVmNoLog,Get-MobyVmConsole', message: expect.stringContaining('console.log') as string },
    ]);
  });
});

describe.skipIf(!RUNS_SCRIPTS)('on Linux', () => {
  it('status, switch and network are those of the daemon', async () => {
    module.answers['status --json'] = printed.status();
    const finding = {
      id: 'network-bridge',
      title: 'Bridge',
      verdict: 'problem',
      detail: 'is down',
      remedy: 'mobyvm up',
    };
    module.answers['doctor --json'] = {
      ...printed.doctor([finding, { id: 'kvm', title: 'KVM', verdict: 'fine', detail: '' }]),
      exitCode: 1,
    };
    expect(
      await module.objects('Get-MobyVmStatus; Get-MobyVmSwitch; Test-MobyVmNetwork', LINUX),
    ).toMatchObject([
      { Source: 'daemon', State: 'running' },
      { Name: 'mobyvm', Type: 'Bridge', Address: ['10.0.75.1'], Source: 'daemon' },
      { Id: 'network-bridge', Verdict: 'problem', Remedy: 'mobyvm up', Source: 'mobyvm doctor' },
    ]);
  });

  it('items, addresses and shares are those of the daemon, and the log is that of its files', async () => {
    daemonRuns();
    const step = { step: 'folder', verdict: 'ok', detail: '', remedy: '' };
    module.answers['share check'] = printed.shareCheck([step]);
    const time = '2025-11-29T07:00:00.000Z';
    await writeFile(join(module.logDir, 'daemon.log'), `{"time":"${time}","level":"info","event":"a.b"}\n`);
    const found = await module.objects(
      'Get-MobyVmKvp -Name greeting, token, OSName; Get-MobyVmIPAddress; Test-MobyVmShare C; Get-MobyVmLog',
      LINUX,
    );
    const ofDaemon = { Source: 'daemon' };
    expect(found).toMatchObject([
      { ...ofDaemon, Pool: 'host', Name: 'greeting', Value: 'Grüße <&> "x"', IsMasked: false },
      { ...ofDaemon, Pool: 'host', Name: 'token', Value: '***', IsMasked: true },
      { ...ofDaemon, Pool: 'intrinsic', Name: 'OSName', Value: 'Moby Linux' },
      { ...ofDaemon, Address: '10.0.75.2', Origin: 'lease' },
      { ...ofDaemon, Address: '10.0.75.2', Origin: 'guest' },
      { ...ofDaemon, Address: 'fe80::2', Origin: 'guest' },
      { ...ofDaemon, Share: 'C', Step: 'folder', Verdict: 'ok' },
      { Event: 'a.b', Level: 'info', Source: 'file' },
    ]);
    expect(module.host.calls).toEqual([]);
  });

  it('what needs Hyper-V or Windows says so', async () => {
    const { objects, errors, warnings } = await module.run(
      'Get-MobyVmStatus; Get-MobyVmComPort; Get-MobyVmPortOwner; Get-MobyVmKvp; Get-MobyVmSwitch; Test-MobyVmShare',
      LINUX,
    );
    expect(objects.map(({ value }) => value)).toMatchObject([
      { State: 'not-running', Source: 'mobyvm', Remedy: 'mobyvm up' },
    ]);
    expect(warnings).toEqual([]);
    expect(errors.map(({ id }) => id)).toEqual([
      'MobyVmNotOnWindows,Get-MobyVmComPort',
      'MobyVmNotOnWindows,Get-MobyVmPortOwner',
      'MobyVmNotRunning,Get-MobyVmKvp',
      'MobyVmNotRunning,Get-MobyVmSwitch',
      'MobyVmNotRunning,Test-MobyVmShare',
    ]);
  });
});
