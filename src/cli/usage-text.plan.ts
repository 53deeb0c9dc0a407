/** Commands that have commands of their own. */
const GROUPS = ['image', 'kvp', 'port'];

export interface Usage {
  readonly message: string;
  readonly remedy: string;
}

/**
 * yargs's words for what people mistype, in ours.
 * @param said yargs's message (locales/en.json of the package), on one line
 * @param args what was typed after the program's name
 */
export function usageText(said: string, args: readonly string[]): Usage {
  const words = args.filter((arg) => !arg.startsWith('-'));
  const [first = '', second = ''] = words;
  const command = GROUPS.includes(first) && second !== '' ? `${first} ${second}` : first;
  const known = command === '' ? 'mobyvm' : `mobyvm ${command}`;
  const typed = GROUPS.includes(first) ? second : first;
  const about = { remedy: `\`${known} --help\` tells what it takes.` };

  const near = /^Did you mean (.+)\?$/.exec(said)?.[1];
  if (near !== undefined) return noCommand(typed, isNear(typed, near) ? near : undefined);

  const unknown = /^Unknown (?:arguments?|commands?): (.+)$/.exec(said)?.[1]?.split(', ');
  if (unknown?.includes(typed)) return noCommand(typed, undefined);
  if (unknown !== undefined)
    return { message: unknown.map((name) => unknownText(name, args)).join(' '), ...about };

  const open = /^Not enough arguments following: (.+)$/.exec(said)?.[1];
  if (open !== undefined) return { message: `${dashed(open)} takes a value.`, ...about };
  if (said.startsWith('Not enough non-option arguments'))
    return { message: `An argument of "${known}" is missing.`, ...about };

  const [, name, given, choices] =
    /^Invalid values: +Argument: (\S+), Given: (.+), Choices: (.+)$/.exec(said) ?? [];
  if (name !== undefined)
    return { message: `${dashed(name)} cannot be ${given}; it is one of ${choices}.`, ...about };
  return { message: said, remedy: 'Run `mobyvm --help`, or the command with --help.' };
}

function noCommand(typed: string, near: string | undefined): Usage {
  return {
    message: `There is no command "${typed}".${near === undefined ? '' : ` Did you mean "${near}"?`}`,
    remedy: '`mobyvm --help` lists the commands.',
  };
}

/** yargs tells options without their dashes. */
function unknownText(name: string, args: readonly string[]): string {
  const option = args.find((arg) => arg.startsWith('-') && arg.replace(/^-+/, '').split('=')[0] === name);
  return option === undefined
    ? `"${name}" is one argument too many.`
    : `There is no option "${option.split('=')[0]}".`;
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

/** Most of the letters are there; three changes, as yargs allows, make another word of a short one. */
function isNear(typed: string, known: string): boolean {
  let rest = known;
  const shared = Array.from(typed).filter((letter) => {
    const at = rest.indexOf(letter);
    if (at >= 0) rest = rest.slice(0, at) + rest.slice(at + 1);
    return at >= 0;
  });
  return shared.length * 3 >= typed.length * 2;
}
