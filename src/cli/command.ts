import type { ArgumentsCamelCase, Argv, InferredOptionTypes, Options, PositionalOptions } from 'yargs';
import type { CommandContext, CommandResult } from './context.js';

/** An example of a command line and what it is for, in a few words. */
export type Example = readonly [line: string, purpose: string];

/** What help and docs/cli.md say about a command. */
export interface CommandText {
  /** After `mobyvm`: `up`, `port list`. */
  readonly name: string;
  /** Its positional arguments as yargs writes them: `<name> [value]`; empty without any. */
  readonly args: string;
  /** What follows `--`, and is passed to `run` as it was typed: `-- [COMMAND...]`; absent if nothing may. */
  readonly rest?: string;
  /** One line in the imperative, without a full stop. */
  readonly summary: string;
  /** What else a user should know: full sentences. */
  readonly details?: string;
  readonly positionals: Readonly<Record<string, PositionalOptions>>;
  readonly options: Readonly<Record<string, Options>>;
  readonly examples: readonly Example[];
}

/** Runs a command whose arguments were right. @param rest what follows `--` */
export type Work = (context: CommandContext, rest: readonly string[]) => CommandResult;

export interface Command extends CommandText {
  /** Adds it to the parser, which calls `choose` if it is this command that was typed. */
  addTo(parser: Argv, choose: (work: Work) => void): Argv;
}

interface Definition<
  Named extends Record<string, Options>,
  Placed extends Record<string, PositionalOptions>,
> extends Omit<CommandText, 'args' | 'positionals' | 'options'> {
  readonly args?: string;
  readonly positionals?: Placed;
  readonly options?: Named;
  readonly run: (
    context: CommandContext,
    argv: ArgumentsCamelCase<Parsed<Named, Placed>>,
    rest: readonly string[],
  ) => CommandResult;
}

type Parsed<
  Named extends Record<string, Options>,
  Placed extends Record<string, PositionalOptions>,
> = InferredOptionTypes<Named> & InferredOptionTypes<Placed>;

/** Types the arguments of `run` by the options that the command declares. */
export function command<
  Named extends Record<string, Options> = Record<string, Options>,
  Placed extends Record<string, PositionalOptions> = Record<string, PositionalOptions>,
>(definition: Definition<Named, Placed>): Command {
  const { run, args = '', ...text } = definition;
  const { name, rest, summary, details, examples } = text;
  const [verb = name] = name.split(' ').slice(-1);
  return {
    ...text,
    args,
    positionals: definition.positionals ?? {},
    options: definition.options ?? {},
    addTo: (parser, choose) =>
      parser.command<Parsed<Named, Placed>>(
        [verb, args].join(' ').trim(),
        summary,
        (each) => {
          for (const [key, option] of Object.entries(definition.options ?? {})) each.option(key, option);
          for (const [key, place] of Object.entries(definition.positionals ?? {}))
            each.positional(key, place);
          each.example(examples.map(([line, purpose]) => [line, purpose] as const));
          each.usage(`Usage: $0 ${usageOf({ name, args, rest })}\n\n${summary}.`);
          if (details !== undefined) each.epilogue(details);
        },
        (argv) => choose((context, after) => run(context, argv, after)),
      ),
  };
}

function usageOf({
  name,
  args,
  rest,
}: Pick<CommandText, 'name' | 'args'> & { rest?: string | undefined }): string {
  return [name, args, '[OPTIONS]', rest ?? ''].filter((part) => part !== '').join(' ');
}
