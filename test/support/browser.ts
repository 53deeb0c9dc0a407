import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

/** Debian's package `chromium`. */
const PROGRAM = '/usr/bin/chromium';

export const hasBrowser = existsSync(PROGRAM);

/** A browser without a window. Closing it ends its processes. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: PROGRAM,
    // The tests run as root, and load nothing but the daemon's own page.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    timeout: 120_000,
  });
}
