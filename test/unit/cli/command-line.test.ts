import { describe, expect, test } from 'vitest';
import { MobyvmError, reportOf } from '../../../src/core/values/index.js';
import { runCommand } from '../../../src/cli/commands.js';
import type { DaemonOptions, DaemonProgram } from '../../../src/cli/context.js';
import { exitCodeOf } from '../../../src/protocol/exit-code.js';
import { commandContext, NO_DAEMON, printedBy } from '../../support/cli-context.js';

function run(...args: readonly string[]) {
  const { lines: out, terminal } = printedBy();
  const daemons: DaemonOptions[] = [];
  const daemon: DaemonProgram = {
    ...NO_DAEMON,
    run: (options) => {
      daemons.push(options);
      return Promise.resolve(0);
    },
  };
  return { result: runCommand(args, commandContext({ terminal, daemon })), out, daemons };
}

describe('the command line', () => {
  test.each([
    ['no command', []],
    ['an unknown command', ['frobnicate']],
    ['an unknown option', ['status', '--jason']],
    ['an option without its value', ['up', '--netns']],
    ['a namespace that is a path', ['up', '--netns', '../x']],
    ['an invalid number of lines', ['logs', '--lines', 'x']],
    ['--lines without a number', ['logs', '--lines']],
    ['--lines before another option', ['console', '-n', '--follow']],
    ['an unknown recipe', ['image', 'build', '--recipe', 'arch']],
    ['image without a subcommand', ['image']],
    ['explain without a code', ['explain']],
    ['a user by name', ['share', 'add', 'C', '--uid', 'www-data']],
    ['a group below 0', ['share', 'add', 'C', '--gid=-1']],
    ['a mode that is not octal', ['share', 'add', 'C', '--file-mode', '0888']],
    ['a mode of four digits', ['share', 'add', 'C', '--dir-mode', '1777']],
    ['one argument too many', ['down', 'now']],
  ])('%s is a usage error', async (_what, args) => {
    const error: unknown = await run(...args).result.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(MobyvmError);
    expect(exitCodeOf(reportOf(error).code)).toBe(2);
    expect(reportOf(error).remedy).not.toBe('');
  });

  test.each([
    ['statu', 'Unknown command "statu". Did you mean "status"?'],
    ['dwon', 'Unknown command "dwon". Did you mean "down"?'],
    ['foo', 'Unknown command "foo".'],
    ['frobnicate', 'Unknown command "frobnicate".'],
    ['image bild', 'Unknown command "bild". Did you mean "build"?'],
    ['kvp frobnicate', 'Unknown command "frobnicate".'],
    ['status --jsn', 'Unknown option "--jsn".'],
    ['up --memory=4', 'Unknown option "--memory".'],
    ['down now', 'Unexpected argument "now".'],
    ['explain A B', 'Unexpected argument "B".'],
    ['explain', '"mobyvm explain" requires an argument.'],
    ['kvp set', '"mobyvm kvp set" requires an argument.'],
    ['up --netns', '--netns requires a value.'],
    ['image build --recipe', '--recipe requires a value.'],
    ['kvp list --pool', '--pool requires a value.'],
    ['port', 'Missing subcommand. Try `mobyvm port list`.'],
    ['kvp', 'Missing subcommand. Try `mobyvm kvp list`, `mobyvm kvp set` or `mobyvm kvp remove`.'],
    ['image build --recipe arch', '--recipe cannot be "arch"; use one of "debian", "alpine".'],
    ['completion tcsh', '<shell> cannot be "tcsh"; use one of "bash", "zsh", "fish", "powershell".'],
    ['kvp list --pool all', '--pool cannot be "all"; use one of "host", "guest", "intrinsic".'],
  ])('"mobyvm %s" is answered: %s', async (line, message) => {
    await expect(run(...line.split(' ')).result).rejects.toMatchObject({
      code: 'MOBYVM_USAGE',
      message,
      remedy: expect.stringContaining('--help') as string,
    });
  });

  test.each([
    ['', 'mobyvm --help'],
    ['statu', 'mobyvm --help'],
    ['image bild', 'mobyvm image --help'],
    ['kvp', 'mobyvm kvp --help'],
    ['down now', 'mobyvm down --help'],
  ])('"mobyvm %s" points at the help of the command or group: %s', async (line, help) => {
    const words = line.split(' ').filter((word) => word !== '');
    await expect(run(...words).result).rejects.toMatchObject({ remedy: `See \`${help}\`.` });
  });

  test('--help lists every command', async () => {
    const { result, out } = run('--help');
    expect(await result).toBe(0);
    for (const command of [
      'up',
      'down',
      'restart',
      'status',
      'logs',
      'console',
      'image',
      'explain',
      'daemon',
    ]) {
      expect(out.join('\n')).toMatch(new RegExp(`^ +mobyvm ${command}\\b`, 'm'));
    }
  });

  test('explain prints the section of a code, in any spelling', async () => {
    const { result, out } = run('explain', 'no_lease');
    expect(await result).toBe(0);
    expect(out[0]).toBe('MOBYVM_NO_LEASE');
    expect(out.join('\n')).toMatch(/^Fix: /m);
  });

  test('explain of an unknown code lists the known ones', async () => {
    await expect(run('explain', 'NOPE').result).rejects.toMatchObject({
      code: 'MOBYVM_UNKNOWN_CODE',
      remedy: expect.stringContaining('MOBYVM_NO_LEASE') as string,
    });
  });

  test('status without a daemon says so and exits with 1', async () => {
    const { result, out } = run('status', '--json');
    expect(await result).toBe(1);
    expect(JSON.parse(out[0] ?? '')).toEqual({ state: 'not-running', leftovers: 0 });
  });

  test('daemon takes its namespace and --no-start', async () => {
    const { result, daemons } = run('daemon', '--netns', 'x', '--no-start');
    await result;
    expect(daemons).toEqual([{ namespace: 'x', startsMachine: false, isBackground: false, isInside: false }]);
  });
});
