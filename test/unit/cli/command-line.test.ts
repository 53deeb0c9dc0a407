import { describe, expect, test } from 'vitest';
import { resolve } from 'node:path';
import { MobyvmError, reportOf } from '../../../src/core/values/index.js';
import { runCommand } from '../../../src/cli/commands.js';
import type { CommandContext, DaemonOptions } from '../../../src/cli/context.js';
import { exitCodeOf } from '../../../src/cli/exit-code.js';
import { linuxPaths } from '../../../src/protocol/paths.js';

function run(...args: readonly string[]) {
  const out: string[] = [];
  const daemons: DaemonOptions[] = [];
  const nowhere = {
    MOBYVM_STATE_DIR: '/nonexistent/s',
    MOBYVM_RUN_DIR: '/nonexistent/r',
    MOBYVM_LOG_DIR: '/nonexistent/l',
    MOBYVM_SETTINGS: '/nonexistent/x',
  };
  const context: CommandContext = {
    paths: linuxPaths(nowhere),
    terminal: {
      isInteractive: false,
      columns: 100,
      out: (line) => out.push(line),
      error: (line) => out.push(line),
      status: () => undefined,
    },
    env: {},
    self: ['node', 'main.js'],
    commandLine: 'mobyvm',
    pid: 1,
    isRoot: false,
    interrupted: new AbortController().signal,
    readInput: () => Promise.resolve('typed'),
    packageDir: resolve(import.meta.dirname, '../../..'),
  };
  const result = runCommand(args, context, (options) => {
    daemons.push(options);
    return Promise.resolve(0);
  });
  return { result, out, daemons };
}

describe('the command line', () => {
  test.each([
    ['no command', []],
    ['an unknown command', ['frobnicate']],
    ['an unknown option', ['status', '--jason']],
    ['an option without its value', ['up', '--netns']],
    ['a namespace that is a path', ['up', '--netns', '../x']],
    ['lines that are no number', ['logs', '--lines', 'x']],
    ['lines without a number', ['logs', '--lines']],
    ['lines without a number before another option', ['console', '-n', '--follow']],
    ['an unknown recipe', ['image', 'build', '--recipe', 'arch']],
    ['image without a verb', ['image']],
    ['explain without a code', ['explain']],
    ['one argument too many', ['down', 'now']],
  ])('%s is wrong usage', async (_what, args) => {
    const error: unknown = await run(...args).result.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(MobyvmError);
    expect(exitCodeOf(reportOf(error).code)).toBe(2);
    expect(reportOf(error).remedy).not.toBe('');
  });

  test.each([
    ['statu', 'There is no command "statu". Did you mean "status"?'],
    ['dwon', 'There is no command "dwon". Did you mean "down"?'],
    ['foo', 'There is no command "foo".'],
    ['frobnicate', 'There is no command "frobnicate".'],
    ['image bild', 'There is no command "bild". Did you mean "build"?'],
    ['kvp frobnicate', 'There is no command "frobnicate".'],
    ['status --jsn', 'There is no option "--jsn".'],
    ['up --memory=4', 'There is no option "--memory".'],
    ['down now', '"now" is one argument too many.'],
    ['explain A B', '"B" is one argument too many.'],
    ['explain', 'An argument of "mobyvm explain" is missing.'],
    ['kvp set', 'An argument of "mobyvm kvp set" is missing.'],
    ['up --netns', '--netns takes a value.'],
    ['image build --recipe', '--recipe takes a value.'],
    ['kvp list --pool', '--pool takes a value.'],
    ['image build --recipe arch', '--recipe cannot be "arch"; it is one of "debian", "alpine".'],
    ['kvp list --pool all', '--pool cannot be "all"; it is one of "host", "guest", "intrinsic".'],
  ])('"mobyvm %s" is answered: %s', async (line, message) => {
    await expect(run(...line.split(' ')).result).rejects.toMatchObject({
      code: 'MOBYVM_USAGE',
      message,
      remedy: expect.stringContaining('--help') as string,
    });
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
    expect(out.join('\n')).toContain('What helps:');
  });

  test('explain of a code that does not exist lists those that do', async () => {
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

  test.each([['up'], ['image build']])('%s without root says who may', async (line) => {
    await expect(run(...line.split(' ')).result).rejects.toMatchObject({ code: 'MOBYVM_NOT_ROOT' });
  });

  test('daemon takes its namespace and --no-start', async () => {
    const { result, daemons } = run('daemon', '--netns', 'x', '--no-start');
    await result;
    expect(daemons).toEqual([{ namespace: 'x', startsMachine: false, isBackground: false }]);
  });
});
