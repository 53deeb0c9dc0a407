import { describe, expect, test } from 'vitest';
import { completionOf } from '../../../src/cli/completion.plan.js';
import { COMMANDS, GROUPS } from '../../../src/cli/definitions.js';

function wordsAfter(...words: readonly string[]): readonly string[] {
  return completionOf(COMMANDS, GROUPS, words).candidates.map(({ word }) => word);
}

describe('completion', () => {
  test('offers every command and group, with its summary', () => {
    const { candidates } = completionOf(COMMANDS, GROUPS, ['']);
    const expected = [
      ...new Set(COMMANDS.map(({ name }) => name.split(' ')[0] ?? '')),
      '--help',
      '--version',
    ];
    expect(candidates.map(({ word }) => word).sort()).toEqual([...expected].sort());
    expect(candidates.every(({ description }) => description !== '')).toBe(true);
  });

  test.each<[string, string, readonly string[]]>([
    ['the rest of a name', 'sta', ['status', 'stats']],
    ['how to show figures once', 'stats --no', ['--no-stream']],
    ['the commands of a group', 'kvp ', ['list', 'set', 'remove', '--help']],
    ['nothing for a name that does not exist', 'frobnicate ', []],
    ['options', 'status --', ['--json', '--watch', '--timings', '--verbose', '--help']],
    ['options where nothing else can follow', 'status ', ['--json', '--watch', '--timings', '--verbose']],
    ['an option once', 'status --json --', ['--watch', '--timings', '--verbose', '--help']],
    ['an option that may be repeated again', 'logs --component dns --comp', ['--component']],
    ['how to turn an option off that is on', 'daemon --no', ['--no-start']],
    ['no hidden option', 'daemon --b', []],
    ['the values of an option', 'kvp list --pool ', ['host', 'guest', 'intrinsic']],
    ['the values that begin with it', 'image build --recipe d', ['debian']],
    ['files after an option without known values', 'share add C --path ', []],
    ['the values of an argument', 'completion z', ['zsh']],
    ['nothing after the last argument', 'explain X ', []],
    ['nothing of another program', 'shell -- ls -', []],
  ])('offers %s', (_what, line, expected) => {
    expect(wordsAfter(...line.split(' '))).toEqual(expected);
  });

  test.each([
    ['share remove ', 'shares'],
    ['share check --json ', 'shares'],
    ['kvp remove gre', 'host items'],
    ['explain ', 'error codes'],
    ['kvp set a ', undefined],
    ['share list ', undefined],
  ])('after "%s" asks for %s', (line, source) => {
    expect(completionOf(COMMANDS, GROUPS, line.split(' ')).source).toBe(source);
  });
});
