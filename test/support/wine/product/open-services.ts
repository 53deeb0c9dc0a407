import { mkdir } from 'node:fs/promises';
import type { HostServices } from '../../../../src/daemon/host-services.js';
import { rightsOf } from '../../../../src/protocol/platform.js';

/**
 * Stands in for what mobyvm still lacks on Windows: folders that are not protected, and processes without their
 * creation times. Never part of the product.
 */
export const openServices: Pick<HostServices, 'files' | 'processes' | 'rights'> = {
  // Wine's whoami.exe says nothing about elevation.
  rights: rightsOf('windows', () => Promise.resolve(true)),
  files: {
    folder: async (path) => {
      await mkdir(path, { recursive: true });
    },
    file: () => Promise.resolve(),
  },
  processes: {
    find: (pid) => Promise.resolve(lives(pid) ? { pid, startId: 'unknown', args: [] } : undefined),
    isAlive: ({ pid }) => Promise.resolve(lives(pid)),
    kill: ({ pid }) => Promise.resolve(void process.kill(pid)),
  },
};

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
