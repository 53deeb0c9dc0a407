import { silentLogger } from '../../../src/core/host/index.js';
import { parseIpv4 } from '../../../src/core/values/index.js';
import { findAccount } from '../../../src/share/samba/host-accounts.js';
import { SambaServer, type ServerWanted } from '../../../src/share/samba/samba-server.js';
import { passwordFile, smbConf, UNIX_ACCOUNT, userMapFile } from '../../../src/share/samba/smb-conf.plan.js';
import type { SimulatedFileSharing, SimulatedShare } from '../hyperv-host/file-sharing-cmdlets.js';
import type { NetworkNamespace } from '../netns.js';

const ADDRESS = parseIpv4('10.0.75.1');
const VM_ADDRESS = parseIpv4('10.0.75.2');

interface Offered {
  readonly name: string;
  readonly path: string;
  readonly isReadOnly: boolean;
  readonly account: string;
}

/** Offers the shares of the simulated host to its machine, with the Samba that mobyvm has on Linux. */
export class SambaShares {
  readonly #server: SambaServer;
  readonly #signal = new AbortController().signal;
  #applied = '[]';

  constructor({ name }: NetworkNamespace, folder: string) {
    const inNamespace = ['ip', 'netns', 'exec', name] as const;
    this.#server = new SambaServer({
      runDir: folder,
      logDir: folder,
      credentials: noCredentials,
      logger: silentLogger,
      programs: { smbd: [...inNamespace, 'smbd'], smbcontrol: [...inNamespace, 'smbcontrol'] },
    });
  }

  async apply({ shares, passwords }: SimulatedFileSharing): Promise<void> {
    const offered = [...shares.values()].flatMap(offeredShare);
    const accounts = offered.map(({ account }) => [account, passwords.get(account) ?? ''] as const);
    const wanted = JSON.stringify([...offered, ...accounts]);
    if (wanted === this.#applied) return;
    const [account] = accounts;
    if (account === undefined) await this.#server.remove();
    else await this.#server.ensure(await this.#wanted(offered, account), this.#signal);
    this.#applied = wanted;
  }

  async remove(): Promise<void> {
    await this.#server.remove();
  }

  async #wanted(
    offered: readonly Offered[],
    [account, password]: readonly [string, string],
  ): Promise<ServerWanted> {
    const { paths } = this.#server;
    const mapsNames = await this.#server.mapsNames(this.#signal);
    const uid = (await findAccount(UNIX_ACCOUNT, this.#signal))?.uid ?? 0;
    const served = offered.map(({ name, isReadOnly }) => ({
      ...{ name, isReadOnly, isCaseSensitive: false },
      ...{ validUser: UNIX_ACCOUNT, forceUser: 'root' },
    }));
    const place = { address: ADDRESS, vmAddress: VM_ADDRESS };
    return {
      address: ADDRESS,
      folders: new Map(offered.map(({ name, path }) => [name, path])),
      filesFor: (port) => ({
        config: smbConf({ ...place, port, paths, mapsNames, shares: served }),
        passwords: passwordFile([{ user: UNIX_ACCOUNT, uid, password }]),
        userMap: userMapFile(account),
        links: Object.fromEntries(offered.map(({ name, path }) => [name, path])),
      }),
    };
  }
}

/** Shares without an access list are those that Windows makes. */
function offeredShare({ object, access }: SimulatedShare): readonly Offered[] {
  const [entry] = access;
  if (entry === undefined) return [];
  const [name, path] = [String(object['Name']), String(object['Path'])];
  return [{ name, path, isReadOnly: entry.right === 'Read', account: entry.account }];
}

/** The server reads none. */
const noCredentials = {
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  list: () => Promise.resolve([]),
  setAsideIfUnreadable: () => Promise.resolve(false),
};
