import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

/** Debian's package `chromium`. */
const PROGRAM = '/usr/bin/chromium';

export const hasBrowser = existsSync(PROGRAM);

/**
 * As root, Chromium would raise its own priority, and a VM without KVM would hardly get a processor beside it: it is
 * started without the right to do so.
 */
const WITHOUT_NICE = 'setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice';

/**
 * A browser without a window. Closing it ends its processes.
 * @param namespace the network namespace of an instance, whose dashboard no other browser reaches
 */
export async function startBrowser(namespace?: string): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-browser-'));
  const program = join(folder, 'chromium');
  const where = namespace === undefined ? '' : `ip netns exec ${namespace} `;
  await writeFile(program, `#!/bin/sh\nexec ${where}${WITHOUT_NICE} ${PROGRAM} "$@"\n`, { mode: 0o755 });
  try {
    return await chromium.launch({
      executablePath: program,
      // The tests run as root, and load nothing but the daemon's own page.
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
      timeout: 300_000,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}
