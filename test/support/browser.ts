import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

/** Debian's package `chromium`. */
const PROGRAM = '/usr/bin/chromium';

export const hasBrowser = existsSync(PROGRAM);

/** The tests run as root, and load nothing but the daemon's own page. */
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];

/** A browser without a window. Closing it ends its processes. */
export function startBrowser(program: string = PROGRAM): Promise<Browser> {
  return chromium.launch({ executablePath: program, args: ARGUMENTS, timeout: 300_000 });
}

/**
 * A browser in the network namespace of an instance, whose dashboard no other reaches. As root, Chromium would raise its
 * own priority, and a VM without KVM would hardly get a processor beside it: it is started without the right to do so.
 */
export async function startBrowserIn(namespace: string): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-browser-'));
  const program = join(folder, 'chromium');
  const rights = 'setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice';
  await writeFile(program, `#!/bin/sh\nexec ip netns exec ${namespace} ${rights} ${PROGRAM} "$@"\n`);
  await chmod(program, 0o755);
  const browser = await startBrowser(program).catch(async (error: unknown) => {
    await rm(folder, { recursive: true });
    throw error;
  });
  browser.once('disconnected', () => void rm(folder, { recursive: true, force: true }));
  return browser;
}
