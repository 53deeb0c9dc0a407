import { readFile } from 'node:fs/promises';
import { decodeUserText, errnoOf, MobyvmError, reencodeRemedy } from '../core/values/index.js';
import { EXIT_FAILED, EXIT_OK } from '../protocol/exit-code.js';
import type { ListedShare, ShareAddRequest, ShareCheck, ShareListing } from '../protocol/share-messages.js';
import type { CommandContext, CommandResult } from './context.js';
import type { ControlClient } from './control-client.js';
import { endDaemon, findDaemon, startDaemon } from './find-daemon.js';
import { refuseOtherPaths } from './other-paths.js';
import { tableLines } from './table.js';
import { withoutControls } from './terminal.js';

export interface ShareAddOptions {
  readonly name: string;
  readonly path: string | undefined;
  readonly user: string | undefined;
  readonly isReadOnly: boolean;
  readonly passwordFile: string | undefined;
  readonly owner: ShareAddRequest['owner'];
}

/** `mobyvm share add`: fails if the share cannot be added; one that is added but does not work yet is exit code 1. */
export async function shareAdd(context: CommandContext, options: ShareAddOptions): CommandResult {
  const { name, path, user, isReadOnly, passwordFile, owner } = options;
  if (user === undefined && passwordFile !== undefined) {
    throw usageError('--password-file is for the account of --user.', 'Name the account with --user.');
  }
  const password = user === undefined ? undefined : await passwordOf(context, user, passwordFile);
  const request = {
    name,
    isReadOnly,
    ...(path === undefined ? {} : { path }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(owner === undefined ? {} : { owner }),
  };
  const share = await withClient(context, (client) => client.addShare(request, context.interrupted));
  return report(context, share, 'is shared');
}

/** `mobyvm share list` */
export async function shareList(
  context: CommandContext,
  { json }: { readonly json: boolean },
): CommandResult {
  const listing = await withClient(context, (client) => client.listShares(context.interrupted));
  if (json) context.terminal.out(JSON.stringify(listing));
  else shareLines(listing, context.terminal.tableColumns).forEach((line) => context.terminal.out(line));
  return EXIT_OK;
}

/** `mobyvm share remove` */
export async function shareRemove(context: CommandContext, name: string): CommandResult {
  const removed = await withClient(context, (client) => client.removeShare(name, context.interrupted));
  context.terminal.out(`${removed.name} (${withoutControls(removed.hostPath)}) is no longer shared.`);
  return EXIT_OK;
}

/** `mobyvm share check` */
export async function shareCheck(
  context: CommandContext,
  name: string,
  { json }: { readonly json: boolean },
): CommandResult {
  const check = await withClient(context, (client) => client.checkShare(name, context.interrupted));
  if (json) context.terminal.out(JSON.stringify(check));
  else checkLines(check).forEach((line) => context.terminal.out(line));
  return check.steps.some(({ verdict }) => verdict === 'failed') ? EXIT_FAILED : EXIT_OK;
}

/** `mobyvm share set-credentials` */
export async function shareCredentials(
  context: CommandContext,
  name: string,
  passwordFile: string | undefined,
): CommandResult {
  const password = await passwordOf(context, name, passwordFile);
  const share = await withClient(context, (client) =>
    client.setShareCredentials(name, password, context.interrupted),
  );
  return report(context, share, 'has a new password');
}

function report({ terminal }: CommandContext, share: ListedShare, what: string): number {
  const { name, hostPath, points, state, reason, remedy } = share;
  const folder = name === hostPath ? '' : ` (${withoutControls(hostPath)})`;
  switch (state) {
    case 'healthy':
      terminal.out(`${name}${folder} ${what}; in the VM it is ${points.map(withoutControls).join(' and ')}.`);
      return EXIT_OK;
    case 'off':
      terminal.out(`${name}${folder} ${what}; the VM mounts it at its next start.`);
      return EXIT_OK;
    default:
      terminal.error(`${name}${folder} ${what}, but does not work yet: ${reason ?? state}.`);
      if (remedy !== undefined) terminal.error(`  → ${remedy}`);
      return EXIT_FAILED;
  }
}

const HEAD = ['NAME', 'FOLDER', 'MODE', 'ACCOUNT', 'STATE'];

export function shareLines({ shares }: ShareListing, columns?: number): string[] {
  if (shares.length === 0) return ['Nothing is shared. Share a folder with `mobyvm share add`.'];
  const rows = shares.map(({ name, hostPath, isReadOnly, user, state }) => [
    withoutControls(name),
    withoutControls(hostPath),
    isReadOnly ? 'read-only' : 'read-write',
    user ?? "mobyvm's own",
    state,
  ]);
  const problems = shares.flatMap(({ name, reason, remedy }) =>
    reason === undefined ? [] : ['', `${name}: ${withoutControls(reason)}.`, `  → ${remedy ?? ''}`],
  );
  return [...tableLines(HEAD, rows, columns), ...problems];
}

const STEP_TITLES: Readonly<Record<string, string>> = {
  folder: 'folder on this host',
  server: 'file server',
  account: 'account and password',
  tcp: 'connection from the VM',
  negotiate: 'SMB version',
  login: 'login',
  tree: 'access to the share',
  mount: 'mount in the VM',
  probe: 'files in the VM',
};

export function checkLines({ steps }: ShareCheck): string[] {
  return steps.flatMap(({ step, verdict, detail, remedy }) => {
    const text = detail === '' ? '' : `: ${withoutControls(detail)}`;
    const line = `${verdict.padEnd(8)} ${STEP_TITLES[step] ?? step}${text}`;
    return remedy === '' ? [line] : [line, `         → ${withoutControls(remedy)}`];
  });
}

/**
 * Shares exist whether the VM runs or not. Without a daemon one is started for this command: the next `up` may want it
 * in a network namespace.
 */
async function withClient<T>(
  context: CommandContext,
  work: (client: ControlClient) => Promise<T>,
): Promise<T> {
  const found = await findDaemon(context);
  if (found !== undefined) {
    await refuseOtherPaths(context, found.info);
    return work(found.client);
  }
  const started = await startDaemon(context, { namespace: undefined, checksSettings: false });
  try {
    return await work(started.client);
  } finally {
    await endDaemon(context, started).catch(() => undefined);
  }
}

/** From the file, typed on the terminal without being shown, or from standard input; never an argument. */
async function passwordOf(
  { input, terminal, interrupted }: CommandContext,
  account: string,
  file: string | undefined,
): Promise<string> {
  if (file !== undefined) return firstLine(await fileText(file));
  if (!input.isTerminal) return firstLine(await input.read());
  terminal.prompt(`Password for ${withoutControls(account)}: `);
  const typed = await input.readHidden(interrupted);
  terminal.error('');
  return typed;
}

async function fileText(path: string): Promise<string> {
  try {
    const decoded = decodeUserText(await readFile(path));
    if ('text' in decoded) return decoded.text;
    throw usageError(`${path} ${decoded.problem}.`, reencodeRemedy(decoded));
  } catch (error) {
    if (error instanceof MobyvmError) throw error;
    throw usageError(`${path} cannot be read (${errnoOf(error) ?? 'unknown error'}).`, 'Check its name.');
  }
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? '';
}

function usageError(message: string, remedy: string): MobyvmError {
  return new MobyvmError('MOBYVM_USAGE', message, remedy);
}
