import { readdir, rm } from 'node:fs/promises';
import { findProcess, readFileIfPresent, waitFor } from '../../../src/core/host/index.js';
import type { FileServerWorld } from '../../contract/file-server.js';
import { PLACE, SambaHost, shareOf } from './samba-host.js';

/** Our Samba in a namespace, as a host for the contract of file servers. */
export async function sambaWorld(): Promise<FileServerWorld> {
  const host = await SambaHost.create();
  const config = `${host.runDir}/samba/smb.conf`;
  return {
    server: host.server(),
    place: PLACE,
    credentials: host.credentials,
    user: 'daemon',
    share: async (id, more) => shareOf(id, await host.shareFolder(id, 1), more),
    removeFolder: ({ hostPath }) => rm(hostPath, { recursive: true }),
    offered: async () => {
      const names = [...((await readFileIfPresent(config)) ?? '').matchAll(/^\[(.+)\]$/gm)];
      return names
        .map(([, name = '']) => name.toLowerCase())
        .filter((name) => name !== 'global')
        .sort();
    },
    next: () => Promise.resolve(host.server()),
    stopServer: async () => {
      const pid = await host.pid();
      process.kill(pid, 'SIGKILL');
      const check = async (): Promise<boolean> => (await findProcess(pid)) === undefined;
      await waitFor(
        { title: 'its end', timeoutSeconds: 120, hint: '', check, everyMs: 10 },
        new AbortController().signal,
      );
    },
    snapshot: async () => ({
      run: await readdir(host.runDir),
      processes: (await host.host.run('ip', ['netns', 'pids', host.host.name])).stdout.split('\n').length,
      credentials: await host.credentials.list(),
    }),
    texts: async () => [
      JSON.stringify(host.log.lines),
      (await readFileIfPresent(config)) ?? '',
      (await readFileIfPresent(`${host.folder}/log/samba.log`)) ?? '',
    ],
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}
