import { PATH_VARIABLES } from './paths.js';

/** What the command line of the Windows service carries. */
export interface ServiceArguments {
  readonly name: string;
  /** SID of the user who has installed it, and may use the engine without being in a group. */
  readonly user?: string;
  /** The variables that move the files of its instance. */
  readonly env: Readonly<Record<string, string>>;
}

const NAME = '--service=';
const USER = '--user=';

/** Variables are arguments, because Wine ignores the service's own environment in the registry. */
export function encodeServiceArguments({ name, user, env }: ServiceArguments): readonly string[] {
  return [
    `${NAME}${name}`,
    ...(user === undefined ? [] : [`${USER}${user}`]),
    ...Object.entries(env).map(([variable, value]) => `${variable}=${value}`),
  ];
}

/** Ignores what it does not know: an older program may be started by the command line of a newer one. */
export function decodeServiceArguments(args: readonly string[]): ServiceArguments {
  const valueOf = (prefix: string): string | undefined =>
    args.find((arg) => arg.startsWith(prefix))?.slice(prefix.length);
  const user = valueOf(USER);
  const moved = Object.values(PATH_VARIABLES).flatMap((variable) => {
    const value = valueOf(`${variable}=`);
    return value === undefined ? [] : [[variable, value] as const];
  });
  return {
    name: valueOf(NAME) ?? 'mobyvm',
    ...(user === undefined ? {} : { user }),
    env: Object.fromEntries(moved),
  };
}
