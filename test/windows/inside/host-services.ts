import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { daemonLock, makeInstanceFolders } from '../../../src/daemon/daemon-context.js';
import { loadToken } from '../../../src/daemon/guest/index.js';
import { hostServices } from '../../../src/daemon/host-services.js';
import { windowsHostFacts } from '../../../src/daemon/windows/windows-host.js';
import { instancePaths } from '../../../src/protocol/paths.js';
import { WindowsItems } from '../../../src/windows/files/windows-items.js';
import { accessOfOthers } from '../../../src/windows/security.plan.js';

const items = new WindowsItems();

function othersAt(path: string): ReturnType<typeof accessOfOthers> {
  using item = items.open(path, 'look');
  return item === undefined ? 'none' : accessOfOthers(item.security(), items.ownSid);
}

it('an instance gets its folders, its lock, its secrets and its passwords from the platform', async () => {
  const folder = await mkdtemp(join(tmpdir(), "moby's vm "));
  const services = hostServices('windows', { userId: undefined, env: {} });
  const paths = instancePaths('windows', { ProgramData: folder });
  try {
    await makeInstanceFolders({ files: services.files, paths });
    const folders = [paths.stateDir, paths.runDir, paths.logDir];
    expect(folders.map(othersAt)).toEqual(['none', 'none', 'none']);
    const lock = await daemonLock({ paths, lockAt: services.lockAt }).take();
    const second = daemonLock({ paths, lockAt: services.lockAt });
    await expect(second.take()).rejects.toMatchObject({ code: 'MOBYVM_DAEMON_RUNNING' });
    expect(await second.holder()).toMatchObject({ pid: process.pid });
    await loadToken(paths.tokenFile, services.files.seal);
    await services.files.folder(paths.tlsDir, 'private');
    expect(othersAt(paths.tlsDir)).toBe('none');
    const credentials = await services.credentialsAt(paths.credentialsFile);
    await credentials.write('mobyvm', 'Planted');
    expect(await credentials.list()).toEqual(['mobyvm']);
    await credentials.remove('mobyvm');
    await lock.release();
    expect(await readdir(paths.runDir)).toEqual([]);
    await expect(stat(paths.credentialsFile)).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('the host says who has a port and how it resolves names, without PowerShell', async () => {
  const { portFacts, resolution, addressChanges } = windowsHostFacts(process.env['SystemRoot']);
  const wanted = { protocol: 'tcp', address: '127.0.0.1', port: 80 } as const;
  const refusal = Object.assign(new TypeError('listen EACCES'), { code: 'EACCES' });
  // Wine's netsh knows no reserved ranges.
  expect(await portFacts.bindFailure(wanted, refusal)).toEqual({ kind: 'other' });
  expect(await resolution?.('vEthernet (mobyvm)')).toMatchObject({ rules: [] });
  (await addressChanges?.())?.close();
});
