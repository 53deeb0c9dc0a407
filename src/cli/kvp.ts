import { MobyvmError } from '../core/values/index.js';
import { EXIT_OK } from '../protocol/exit-code.js';
import type { KvpListing, KvpPool } from '../protocol/messages.js';
import { ControlClient } from './control-client.js';
import { findDaemon, startDaemon } from './find-daemon.js';
import { refuseOtherPaths } from './other-paths.js';
import type { CommandContext, CommandResult } from './context.js';
import { withoutControls } from './terminal.js';

export interface KvpListOptions {
  readonly pool: KvpPool;
  readonly json: boolean;
}

/** `mobyvm kvp list`: the items of one pool; secrets are masked by the daemon already. */
export async function kvpList(context: CommandContext, { pool, json }: KvpListOptions): CommandResult {
  const { terminal, interrupted } = context;
  const client = pool === 'host' ? await clientOfItems(context) : clientOf(context);
  const listing = await client.listKvp(pool, interrupted);
  if (json) terminal.out(JSON.stringify({ pool, ...listing }));
  else listingLines(pool, listing).forEach((line) => terminal.out(line));
  return EXIT_OK;
}

export interface KvpSetOptions {
  readonly name: string;
  /** Undefined: the value comes from standard input. */
  readonly value: string | undefined;
  readonly isSecret: boolean;
}

/** `mobyvm kvp set`: adds an item to the host's pool or replaces its value. */
export async function kvpSet(context: CommandContext, options: KvpSetOptions): CommandResult {
  const { name, value, isSecret } = options;
  if (isSecret && value !== undefined) throw secretArgumentError();
  for (const text of [name, value ?? '']) if (text.includes(REPLACEMENT)) throw notUtf8Error();
  const client = clientOf(context);
  const isDelivered = await client.setKvp(
    { name, value: value ?? (await context.input.read()), secret: isSecret },
    context.interrupted,
  );
  if (!isDelivered) context.terminal.out('Stored. The VM gets it when it has booted.');
  return EXIT_OK;
}

/** `mobyvm kvp remove`: succeeds if there is no such item, but says so, since the name may be wrong. */
export async function kvpRemove(context: CommandContext, name: string): CommandResult {
  const client = await clientOfItems(context);
  const { items } = await client.listKvp('host', context.interrupted);
  await client.removeKvp(name, context.interrupted);
  if (!items.some((item) => item.name === name)) {
    context.terminal.error(`There was no item "${shown(name)}" in the host pool.`);
  }
  return EXIT_OK;
}

function clientOf({ paths, rights }: CommandContext): ControlClient {
  return new ControlClient(paths.controlSocket, rights);
}

/** The host's items are there whether the VM runs or not; without a daemon one is started, which ends by itself. */
async function clientOfItems(context: CommandContext): Promise<ControlClient> {
  const found = await findDaemon(context);
  const options = { namespace: undefined, checksSettings: false };
  const { client, info } = found ?? (await startDaemon(context, options));
  await refuseOtherPaths(context, info);
  return client;
}

function listingLines(pool: KvpPool, { items, unreadable }: KvpListing): string[] {
  const width = Math.min(MOST_PADDING, Math.max(0, ...items.map(({ name }) => shown(name).length)));
  return [
    ...(items.length === 0 ? [`The ${pool} pool is empty.`] : []),
    ...items.map(({ name, value }) => `${shown(name).padEnd(width)}  ${shown(value)}`.trimEnd()),
    ...(unreadable === 0 ? [] : [`(${unreadable} more that are not valid text)`]),
  ];
}

/** One line without control characters: the guest's items are not trusted. */
function shown(text: string): string {
  return withoutControls(text.replaceAll(/\r?\n/g, '⏎'));
}

/** What Node.js makes of bytes in the command line that are not UTF-8. */
const REPLACEMENT = '\uFFFD';
/** One long name must not push the values of all others off the screen. */
const MOST_PADDING = 40;

function notUtf8Error(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_USAGE',
    'A name or value in the command line is not valid UTF-8.',
    'Encode it, for example with base64. (U+FFFD itself can be passed on standard input.)',
  );
}

function secretArgumentError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_USAGE',
    'A secret must not be passed on the command line, where every process can read it.',
    'Pass it on standard input: mobyvm kvp set NAME --secret < FILE',
  );
}
