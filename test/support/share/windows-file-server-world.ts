import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryLedger } from '../../../src/core/host/index.js';
import { parseIpv4 } from '../../../src/core/values/index.js';
import type { PowerShell } from '../../../src/powershell/index.js';
import { fileCredentials, smbWindowsFileServer, type FileServer } from '../../../src/share/index.js';
import type { FileServerWorld } from '../../contract/file-server.js';
import type { SimulatedHost } from '../hyperv-host/simulated-host.js';
import { keptLog, shareOf } from './samba-host.js';

export const WINDOWS_PLACE = { hostAddress: parseIpv4('10.0.75.1'), vmAddress: parseIpv4('10.0.75.2') };
const MACHINE_ID = '0c6d1b0e-7a3f-4a57-9a5b-3f6f1f0a2b11';

/** Windows' file server on a simulated host. */
export async function windowsFileServerWorld(
  host: SimulatedHost,
  powerShell: PowerShell,
): Promise<FileServerWorld & { readonly ledger: ReturnType<typeof memoryLedger> }> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-smb-windows-'));
  const credentials = fileCredentials(join(folder, 'credentials.json'));
  const ledger = memoryLedger();
  const log = keptLog();
  const folders = new Set<string>();
  const make = (): FileServer =>
    smbWindowsFileServer({
      powerShell,
      credentials,
      ledger,
      logger: log.logger,
      machineId: MACHINE_ID,
      folderState: (path) => Promise.resolve(folders.has(path) ? 'folder' : 'missing'),
    });
  return {
    server: make(),
    place: WINDOWS_PLACE,
    credentials,
    ledger,
    user: 'me',
    share: (id, more) => {
      const path = id.length === 1 ? `${id}:\\` : `C:\\Users\\${id}`;
      folders.add(path);
      return Promise.resolve(shareOf(id, path, more));
    },
    removeFolder: ({ hostPath }) => Promise.resolve(void folders.delete(hostPath)),
    offered: () =>
      Promise.resolve(
        [...host.fileSharing.shares.values()]
          .filter(({ object }) => String(object['Description']).startsWith('mobyvm'))
          .map(({ object }) => String(object['Name']).toLowerCase())
          .sort(),
      ),
    next: () => Promise.resolve(make()),
    stopServer: () => {
      host.system.services.find(({ Name }) => Name === 'LanmanServer')!.State = 'Stopped';
      return Promise.resolve();
    },
    snapshot: async () => ({
      host: host.snapshot(),
      ledger: await ledger.list(),
      credentials: await credentials.list(),
    }),
    texts: async () => [JSON.stringify(log.lines), JSON.stringify(await ledger.list())],
    [Symbol.asyncDispose]: async () => {
      await powerShell.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
