import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, win32 } from 'node:path';
import { fileMode, giveTo, run, sleep } from '../core/host/index.js';
import { isAbort } from '../core/values/index.js';
import { EXIT_OK } from '../protocol/exit-code.js';
import type { CommandContext, CommandResult } from './context.js';
import { findDaemon, startDaemon } from './find-daemon.js';
import { refuseOtherPaths } from './other-paths.js';

export interface DashboardOptions {
  /** Open no browser. */
  readonly print: boolean;
}

/** How long a browser has to read the page that leads it to the dashboard. */
const BROWSER_MS = 5_000;

/** `mobyvm dashboard`: prints the address with the token, and opens it. */
export async function dashboard(context: CommandContext, { print }: DashboardOptions): CommandResult {
  const { terminal, interrupted } = context;
  const found = await findDaemon(context);
  const options = { namespace: undefined, checksSettings: false };
  const { client, info } = found ?? (await startDaemon(context, options));
  await refuseOtherPaths(context, info);
  const { url, token } = await client.openDashboard(interrupted);
  const address = `${url}#token=${token}`;
  terminal.out(address);
  if (!print) await openBrowser(context, address);
  return EXIT_OK;
}

/**
 * Any user can read the arguments of a program, and the address has the token. So the browser is given a file, which only
 * its user can read.
 */
async function openBrowser(context: CommandContext, address: string): Promise<void> {
  const browser = browserOf(context);
  if (browser === undefined) return;
  const { program, args, owner } = browser;
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-dashboard-'));
  try {
    const page = join(folder, 'dashboard.html');
    await writeFile(page, pageTo(address), { mode: fileMode('owner') });
    if (owner !== undefined) await giveTo(owner, [page, folder]);
    await run(program, [...args, page], { acceptExitCodes: [0, 1], signal: context.interrupted });
    await sleep(BROWSER_MS, context.interrupted);
  } catch (error) {
    if (isAbort(error)) return;
    // The address has been printed, and can be opened by hand.
    context.terminal.error('No browser could be opened.');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface BrowserStart {
  readonly program: string;
  /** Before the page. */
  readonly args: readonly string[];
  /** Who has to read the page, if that is another user. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Undefined where there is no desktop, and for root itself on Linux: browsers do not run as root. */
function browserOf({ platform, env }: CommandContext): BrowserStart | undefined {
  // Hands it to the desktop of the user, without the rights of an elevated prompt.
  if (platform === 'windows')
    return { program: win32.join(env['SystemRoot'] ?? 'C:\\Windows', 'explorer.exe'), args: [] };
  const { SUDO_USER: user, SUDO_UID: uid, SUDO_GID: gid } = env;
  const hasDesktop = (env['DISPLAY'] ?? env['WAYLAND_DISPLAY'] ?? '') !== '';
  if (!hasDesktop || user === undefined || uid === undefined || gid === undefined) return undefined;
  const owner = { uid: Number(uid), gid: Number(gid) };
  return { program: 'runuser', args: ['-u', user, '--', 'xdg-open'], owner };
}

function pageTo(address: string): string {
  return `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=${address}"><title>mobyvm</title>\n`;
}
