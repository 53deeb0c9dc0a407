import type { CommandText } from './command.js';

export interface Candidate {
  readonly word: string;
  /** One line; may be empty. */
  readonly description: string;
}

/** Words that only the daemon, or another part of the program, knows. */
export type CandidateSource = 'shares' | 'host items' | 'error codes';

export interface Completion {
  readonly candidates: readonly Candidate[];
  readonly source?: CandidateSource;
}

/** The first argument of these commands. */
const SOURCES: Readonly<Record<string, CandidateSource>> = {
  'share remove': 'shares',
  'share check': 'shares',
  'share set-credentials': 'shares',
  'kvp set': 'host items',
  'kvp remove': 'host items',
  explain: 'error codes',
};

const HELP: Candidate = { word: '--help', description: 'Show help' };
const VERSION: Candidate = { word: '--version', description: 'Show version number' };
const NOTHING: Completion = { candidates: [] };

/**
 * What may follow on a command line. Without candidates the shell offers files.
 * @param words what was typed after the program's name; the last one is the one to complete, and may be empty
 */
export function completionOf(
  commands: readonly CommandText[],
  groups: Readonly<Record<string, string>>,
  words: readonly string[],
): Completion {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  if (before.includes('--')) return NOTHING;
  const command = commandOf(commands, before);
  const found =
    command === undefined ? namesAfter(commands, groups, before) : argumentsOf(command, before, current);
  return { ...found, candidates: found.candidates.filter(({ word }) => word.startsWith(current)) };
}

function commandOf(commands: readonly CommandText[], before: readonly string[]): CommandText | undefined {
  return commands.find(({ name }) => {
    const parts = name.split(' ');
    return parts.every((part, index) => before[index] === part);
  });
}

/** Names of commands, of groups, or of the commands in a group. */
function namesAfter(
  commands: readonly CommandText[],
  groups: Readonly<Record<string, string>>,
  before: readonly string[],
): Completion {
  const [group] = before;
  if (group !== undefined) {
    if (before.length > 1 || groups[group] === undefined) return NOTHING;
    const members = commands.filter(({ name }) => name.startsWith(`${group} `));
    const names = members.map(({ name, summary }) => ({
      word: name.slice(group.length + 1),
      description: summary,
    }));
    return { candidates: [...names, HELP] };
  }
  const single = commands.filter(({ name }) => !name.includes(' '));
  return {
    candidates: [
      ...single.map(({ name, summary }) => ({ word: name, description: summary })),
      ...Object.entries(groups).map(([word, description]) => ({ word, description })),
      HELP,
      VERSION,
    ],
  };
}

function argumentsOf(command: CommandText, before: readonly string[], current: string): Completion {
  const typed = before.slice(command.name.split(' ').length);
  const open = openOption(command, typed.at(-1));
  if (open !== undefined) return valuesOf(open.choices);
  if (current.startsWith('-')) return { candidates: [...optionsOf(command, typed), HELP] };
  const position = typed.filter(
    (word, index) => !word.startsWith('-') && openOption(command, typed[index - 1]) === undefined,
  ).length;
  const [name, positional] = Object.entries(command.positionals)[position] ?? [];
  if (name === undefined) return { candidates: position === 0 ? optionsOf(command, typed) : [] };
  const source = position === 0 ? SOURCES[command.name] : undefined;
  return { ...valuesOf(positional?.choices), ...(source && { source }) };
}

function valuesOf(choices: CommandText['options'][string]['choices']): Completion {
  return { candidates: (choices ?? []).map((choice) => ({ word: String(choice), description: '' })) };
}

/** The option whose value comes next. */
function openOption({ options }: CommandText, word = ''): CommandText['options'][string] | undefined {
  const found = Object.entries(options).find(
    ([name, { alias }]) => word === `--${name}` || (typeof alias === 'string' && word === `-${alias}`),
  )?.[1];
  return found?.type === 'boolean' ? undefined : found;
}

function optionsOf({ options }: CommandText, typed: readonly string[]): readonly Candidate[] {
  return Object.entries(options)
    .filter(([, { hidden }]) => hidden !== true)
    .map(([name, { type, default: usual, describe, array }]) => ({
      // What is on already can only be turned off.
      word: type === 'boolean' && usual === true ? `--no-${name}` : `--${name}`,
      description: String(describe),
      isRepeatable: array === true,
    }))
    .filter(({ word, isRepeatable }) => isRepeatable || !typed.includes(word))
    .map(({ word, description }) => ({ word, description }));
}
