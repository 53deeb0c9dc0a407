export interface Usage {
  readonly message: string;
  readonly remedy: string;
}

/**
 * yargs's messages for what people mistype, in our words.
 * @param said yargs's message (locales/en.json of the package), on one line
 * @param args what was typed after the program's name
 * @param groups commands that have subcommands
 */
export function usageText(said: string, args: readonly string[], groups: readonly string[]): Usage {
  const words = args.filter((arg) => !arg.startsWith('-'));
  const [first = '', second = ''] = words;
  const isGroup = groups.includes(first);
  const command = isGroup && second !== '' ? `${first} ${second}` : first;
  const known = command === '' ? 'mobyvm' : `mobyvm ${command}`;
  const typed = isGroup ? second : first;
  const about = { remedy: `See \`${known} --help\`.` };
  const aboutAll = { remedy: `See \`mobyvm ${isGroup ? `${first} ` : ''}--help\`.` };

  const near = /^Did you mean (.+)\?$/.exec(said)?.[1];
  if (near !== undefined)
    return { message: unknownCommand(typed, isNear(typed, near) ? near : undefined), ...aboutAll };

  const unknown = /^Unknown (?:arguments?|commands?): (.+)$/.exec(said)?.[1]?.split(', ');
  if (unknown?.includes(typed)) return { message: unknownCommand(typed, undefined), ...aboutAll };
  if (unknown !== undefined)
    return { message: unknown.map((name) => unknownText(name, args)).join(' '), ...about };

  const open = /^Not enough arguments following: (.+)$/.exec(said)?.[1];
  if (open !== undefined) return { message: `${dashed(open)} requires a value.`, ...about };
  if (said.startsWith('Not enough non-option arguments'))
    return { message: `"${known}" requires an argument.`, ...about };

  const [, name, given, choices] =
    /^Invalid values: +Argument: (\S+), Given: (.+), Choices: (.+)$/.exec(said) ?? [];
  if (name !== undefined)
    return {
      message: `${placeName(name, given, args)} cannot be ${given}; use one of ${choices}.`,
      ...about,
    };
  return { message: said, ...about };
}

function unknownCommand(typed: string, near: string | undefined): string {
  return `Unknown command "${typed}".${near === undefined ? '' : ` Did you mean "${near}"?`}`;
}

/** yargs names options without their dashes. */
function unknownText(name: string, args: readonly string[]): string {
  const option = args.find((arg) => arg.startsWith('-') && arg.replace(/^-+/, '').split('=')[0] === name);
  return option === undefined
    ? `Unexpected argument "${name}".`
    : `Unknown option "${option.split('=')[0]}".`;
}

/** yargs does not say whether the value was that of an option. */
function placeName(name: string, given: string | undefined, args: readonly string[]): string {
  const at = args.findIndex((arg) => `"${arg}"` === given);
  return at > 0 && !args[at - 1]?.startsWith('-') ? `<${name}>` : dashed(name);
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

/** Most letters agree: yargs allows three changes, which make another word of a short one. */
function isNear(typed: string, known: string): boolean {
  let rest = known;
  const shared = Array.from(typed).filter((letter) => {
    const at = rest.indexOf(letter);
    if (at >= 0) rest = rest.slice(0, at) + rest.slice(at + 1);
    return at >= 0;
  });
  return shared.length * 3 >= typed.length * 2;
}
