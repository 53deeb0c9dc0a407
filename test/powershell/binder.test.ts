import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/core/host/index.js';
import { cmdlet, guid, PowerShellSession, secret, type CmdletCall } from '../../src/powershell/index.js';
import { consoleProgram } from '../support/pwsh-host/console-program.js';
import type { AnswerCmdlet, HostAnswer } from '../support/pwsh-host/stub-calls.js';
import { STUB_SOURCES, StubHost } from '../support/pwsh-host/stub-host.js';

const signal = AbortSignal.timeout(300_000);
const NOTHING: HostAnswer = { kind: 'rows', rows: [] };
let answer: AnswerCmdlet = () => NOTHING;
let host: StubHost;
let session: PowerShellSession;
let executable: string;
const logged: unknown[] = [];
const log = (event: string, fields?: object): void => void logged.push([event, fields]);

/** A call that the compiler would refuse. */
function wrong(name: string, parameters: CmdletCall['parameters']): CmdletCall {
  return { cmdlet: name, parameters };
}

describe.each(STUB_SOURCES)('with stubs from the %s', (source) => {
  beforeAll(async () => {
    executable = await consoleProgram();
    host = await StubHost.start((call) => answer(call), source);
    const logger = { debug: log, info: log, warn: log, error: log };
    session = new PowerShellSession({ executable, env: { ...process.env, ...host.env }, logger });
  });
  afterEach(() => {
    host.calls.length = 0;
    answer = () => NOTHING;
  });
  afterAll(async () => {
    await session.close();
    await host.stop();
  });

  describe("PowerShell's binder", () => {
    it('binds what the types allow', async () => {
      await session.run([cmdlet('New-VMSwitch', { Name: 'mobyvm', SwitchType: 'Internal' })], { signal });
      await session.run(
        [cmdlet('New-NetIPAddress', { IPAddress: '10.0.75.1', PrefixLength: 24, InterfaceAlias: 'x' })],
        {
          signal,
        },
      );
      await session.run([cmdlet('Get-VM', { Id: guid('2a34b1c2-fd73-4043-8a5b-dd2159bc743f') })], { signal });
      await session.run([cmdlet('New-LocalUser', { Name: 'u', Password: secret("p'w“") })], { signal });
      expect(host.calls).toEqual([
        { command: 'New-VMSwitch', parameters: { Name: 'mobyvm', SwitchType: 'Internal' } },
        {
          command: 'New-NetIPAddress',
          parameters: { IPAddress: '10.0.75.1', PrefixLength: 24, InterfaceAlias: 'x' },
        },
        { command: 'Get-VM', parameters: { Id: '2a34b1c2-fd73-4043-8a5b-dd2159bc743f' } },
        { command: 'New-LocalUser', parameters: { Name: 'u', Password: "p'w“" } },
      ]);
    });

    it('passes objects through a pipeline', async () => {
      answer = ({ command }) =>
        command === 'Get-VM'
          ? {
              kind: 'rows',
              rows: [
                { Name: 'a', State: 'Off' },
                { Name: 'b', State: 'Running' },
              ],
            }
          : NOTHING;
      await session.run(
        [cmdlet('Get-VM'), { where: 'State', equals: 'running' }, cmdlet('Stop-VM', { TurnOff: true })],
        {
          signal,
        },
      );
      expect(host.calls[1]).toEqual({
        command: 'Stop-VM',
        parameters: { VM: [{ Name: 'b', State: 'Running' }], TurnOff: true },
      });
    });

    it.each<[string, readonly [CmdletCall, ...CmdletCall[]], string]>([
      [
        'a value that is not in a list',
        [wrong('New-VMSwitch', { Name: 'x', SwitchType: 'External' })],
        'ParameterArgumentTransformationError',
      ],
      [
        'text for a number',
        [wrong('New-VM', { Name: 'x', MemoryStartupBytes: 'much' })],
        'ParameterArgumentTransformationError',
      ],
      [
        'a boolean for an enum of True and False',
        [wrong('New-NetFirewallRule', { DisplayName: 'x', Enabled: true })],
        'ParameterArgumentTransformationError',
      ],
      [
        'text for a password',
        [wrong('New-LocalUser', { Name: 'x', Password: 'x' })],
        'ParameterArgumentTransformationError',
      ],
      [
        'a call without a mandatory parameter',
        [cmdlet('New-NetIPAddress', { InterfaceAlias: 'x' })],
        'MissingMandatoryParameter',
      ],
      [
        'parameters of different sets',
        [cmdlet('New-VMSwitch', { Name: 'x', SwitchType: 'Internal', NetAdapterName: 'y' })],
        'AmbiguousParameterSet',
      ],
    ])('refuses %s', async (_, pipeline, errorId) => {
      await expect(session.run(pipeline, { signal })).rejects.toMatchObject({ errorId });
      expect(host.calls).toEqual([]);
    });

    it('rejects the output of another cmdlet', async () => {
      answer = () => ({ kind: 'rows', rows: [{ Name: 'x' }] });
      const mixed = session.run([cmdlet('Get-VM'), cmdlet('Remove-VMDvdDrive')], { signal });
      await expect(mixed).rejects.toMatchObject({ errorId: 'InputObjectNotBound' });
    });

    it('rejects a name that mobyvm would not send', async () => {
      const call = wrong('New-VMSwitch', { Name: 'x', SwitchTyp: 'Internal', Colour: 'red' });
      await expect(session.run([call], { signal })).rejects.toMatchObject({ code: 'MOBYVM_BUG' });
      const { stdout } = await run(executable, ['-Command', '-'], {
        env: { ...process.env, ...host.env, NO_COLOR: '1', TERM: 'dumb' },
        input: 'try { New-VMSwitch -Name x -Colour red } catch { $_.FullyQualifiedErrorId }\n',
      });
      expect(stdout).toMatch(/^NamedParameterNotFound,New-VMSwitch\s*$/);
    });
  });

  describe('the output of a cmdlet', () => {
    it('is converted by the kinds of its fields, whatever the language', async () => {
      const plain = {
        ...{ Name: 'Zürich „Ä“', Amount: 7, Big: 2 ** 40, Ratio: 0.5, On: true, Nothing: null },
        ...{ List: ['a', 'é'], One: ['x'], None: [], Numbers: [1, 2] },
      };
      answer = () => ({ kind: 'rows', rows: [{ ...plain, Deep: { Name: 'inner' } }, { Name: 'second' }] });
      const fields = {
        ...({ Name: 'text', Amount: 'number', Big: 'number', Ratio: 'number', On: 'boolean' } as const),
        ...({ Nothing: 'text', List: 'texts', One: 'texts', None: 'texts', Numbers: 'numbers' } as const),
        ...({ 'Deep.Name': 'text', Missing: 'text' } as const),
      };
      expect(await session.read({ pipeline: [cmdlet('Get-VMHost')], fields }, { signal })).toEqual([
        { ...plain, Nothing: undefined, 'Deep.Name': 'inner', Missing: undefined },
        {
          ...{ Name: 'second', Amount: undefined, Big: undefined, Ratio: undefined, On: undefined },
          ...{ Nothing: undefined, List: [], One: [], None: [], Numbers: [], 'Deep.Name': undefined },
          Missing: undefined,
        },
      ]);
    });

    it('is an error with its id, category, HRESULT and command', async () => {
      const failure = {
        errorId: 'InvalidState',
        category: 'InvalidOperation',
        hresult: 0x8007_00b7,
        message: 'Ein Vorgang ist „fehlgeschlagen“.',
      };
      answer = () => ({ kind: 'failure', failure });
      await expect(session.run([cmdlet('Start-VM', { Name: 'x' })], { signal })).rejects.toMatchObject({
        ...failure,
        command: 'Start-VM',
      });
    });

    it('can be 4 MB in 1 row or in 20,000', async () => {
      const long = 'x'.repeat(4_000_000);
      answer = () => ({ kind: 'rows', rows: [{ Name: long }] });
      const query = { pipeline: [cmdlet('Get-VM')], fields: { Name: 'text' } } as const;
      expect((await session.read(query, { signal }))[0]?.Name).toBe(long);
      const rows = Array.from({ length: 20_000 }, (_, index) => ({ Name: `${index} ${'y'.repeat(180)}` }));
      answer = () => ({ kind: 'rows', rows });
      expect(await session.read(query, { signal, timeoutSeconds: 120 })).toEqual(rows);
    });
  });

  describe('a cmdlet that misbehaves', () => {
    it.each([
      ['extra lines', { stdout: 'WARNING\n#mobyvm:\n', stderr: 'noise\n' }],
      ['an unterminated line', { stdout: 'almost done: ' }],
      ['carriage returns', { stdout: 'a\r\nb\rc\r\n' }],
      ['megabytes of noise', { stdout: 'noise\n'.repeat(300_000), stderr: 'noise\n'.repeat(300_000) }],
    ])('and prints %s is still understood', async (_, prints) => {
      answer = () => ({ kind: 'rows', rows: [{ Name: 'x' }], prints });
      const query = { pipeline: [cmdlet('Get-VM')], fields: { Name: 'text' } } as const;
      expect(await session.read(query, { signal })).toEqual([{ Name: 'x' }]);
    });

    it.each(['hang', 'exit'] as const)('by a %s fails only its own call', async (kind) => {
      answer = () => ({ kind });
      const call = session.run([cmdlet('Start-VM', { Name: 'x' })], { signal, timeoutSeconds: 2 });
      const after = session.run([cmdlet('Get-VM')], { signal });
      await expect(call).rejects.toMatchObject({ code: 'MOBYVM_POWERSHELL' });
      answer = () => NOTHING;
      await after;
      expect(host.calls.map(({ command }) => command)).toEqual(['Start-VM', 'Get-VM']);
    });
  });

  describe('a secret', () => {
    it('is in no log, command line or message, even if its call fails', async () => {
      answer = () => ({
        kind: 'failure',
        failure: { errorId: 'InvalidPassword', category: 'InvalidArgument', hresult: 0, message: 'no' },
      });
      const call = session.run([cmdlet('New-LocalUser', { Name: 'u', Password: secret('Tr0ub4dor&3') })], {
        signal,
      });
      const error: unknown = await call.catch((reason: unknown) => reason);
      expect(host.calls[0]?.parameters).toMatchObject({ Password: 'Tr0ub4dor&3' });
      for (const text of [
        JSON.stringify(logged),
        String(error),
        JSON.stringify(error),
        (error as Error).stack,
      ])
        expect(text).not.toContain('Tr0ub');
      expect(JSON.stringify(logged)).toContain('New-LocalUser');
    });
  });
});
