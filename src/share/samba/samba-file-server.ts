import type { ManagedResource } from '../../core/host/index.js';
import type { Change } from '../../core/values/index.js';
import { privatePassword } from '../credentials/private-password.js';
import type { FileServer, FileServerPlace, FileServerProblem } from '../file-server.js';
import type { Share } from '../share.js';
import { wireName } from '../wire-name.plan.js';
import { credentialsError } from '../share-errors.js';
import { loginOf } from './samba-account.js';
import type { SambaOptions } from './samba-options.js';
import { SambaServer, type ServerFound, type ServerWanted } from './samba-server.js';
import { lookUp, rightsOf, serverWanted } from './served-shares.js';
import { mayRead, notReadable } from './share-folder.js';

/**
 * Offers folders of a Linux host with an smbd of our own, beside a Samba that the host may have.
 * @throws MobyvmError MOBYVM_SHARE_SERVER if Samba cannot use the run folder's path
 */
export function sambaFileServer(options: SambaOptions): FileServer {
  const { credentials } = options;
  const server = new SambaServer(options);

  return {
    resources: (place, shares) => [
      privatePassword(
        credentials,
        shares.some(({ account }) => account.kind === 'private'),
      ),
      serverResource(server, options, { place, shares }),
    ],
    unc: ({ hostAddress }, { id }) => `//${hostAddress}/${wireName(id)}`,
    port: async () => (await server.observe()).port,
    login: async (share) => {
      const user = loginOf(share);
      const password = await credentials.read(user);
      if (password === undefined) throw credentialsError(share.id, `The password of "${user}" is not known.`);
      return { user, domain: '', password };
    },
    problemOf: async (place, share, signal) => {
      const { result } = await lookUp(share, credentials, signal);
      if ('problem' in result) return result.problem;
      const rights = rightsOf(result.servable);
      if (!(await mayRead(share.hostPath, rights, signal))) return notReadable(share.hostPath, rights);
      return serverProblem(server, share, signal);
    },
    close: () => server.close(),
  };
}

interface Wanted {
  readonly place: FileServerPlace;
  readonly shares: readonly Share[];
}

/** smbd with its files. Without shares there is none, so that a host without Samba can run the VM. */
function serverResource(
  server: SambaServer,
  { credentials }: SambaOptions,
  { place, shares }: Wanted,
): ManagedResource {
  const look = async (signal: AbortSignal): Promise<ServerWanted> => {
    // A signal for each: Node.js warns of more than ten listeners on one.
    const found = await Promise.all(
      shares.map((share) => lookUp(share, credentials, AbortSignal.any([signal]))),
    );
    return serverWanted(place, found, {
      paths: server.paths,
      mapsNames: shares.length > 0 && (await server.mapsNames(signal)),
    });
  };
  const planned = async (signal: AbortSignal): Promise<{ change: Change; wanted: ServerWanted }> => {
    const wanted = await look(signal);
    return { wanted, change: planServer(await server.observe(), wanted, shares.length > 0) };
  };
  return {
    id: 'share-server',
    title: 'file server (Samba)',
    lifetime: 'machine',
    isRepaired: true,
    plan: async ({ signal }) => (await planned(signal)).change,
    async ensure({ signal, onFailure }) {
      const { change, wanted } = await planned(signal);
      if (change.kind === 'none') return 'none';
      if (shares.length === 0) {
        await server.remove();
        return change.kind;
      }
      onFailure(await server.ensure(wanted, signal));
      return change.kind;
    },
    remove: async () => ((await server.remove()) ? 'remove' : 'none'),
  };
}

function planServer(found: ServerFound, wanted: ServerWanted, isNeeded: boolean): Change {
  const isRunning = found.server !== undefined;
  if (!isNeeded) return isRunning ? { kind: 'replace', reason: 'nothing is shared' } : { kind: 'none' };
  if (!isRunning) return { kind: 'create' };
  const files = wanted.filesFor(found.port);
  const fields = [
    ...(found.isOurs ? [] : ['started by an earlier daemon']),
    ...(found.files.config === files.config ? [] : ['configuration']),
    ...(found.files.passwords === files.passwords ? [] : ['passwords']),
    ...(isSame(found.files.links, files.links) &&
    isSame(Object.fromEntries(found.folders), Object.fromEntries(wanted.folders))
      ? []
      : ['folders']),
  ];
  return fields.length === 0 ? { kind: 'none' } : { kind: 'update', fields };
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

async function serverProblem(
  server: SambaServer,
  share: Share,
  signal: AbortSignal,
): Promise<FileServerProblem | undefined> {
  const { files, server: process } = await server.observe();
  if (process === undefined) {
    return {
      state: 'unreachable',
      reason: 'the server for shares (smbd) is not running',
      remedy: 'mobyvm starts it again; if it stays so, `mobyvm logs` says why.',
    };
  }
  if (!(await server.answers(signal))) {
    return {
      state: 'unreachable',
      reason: `the server for shares (smbd, process ${process.pid}) does not answer`,
      remedy: `See ${server.paths.log}. If it stays so, end that process; mobyvm starts another one.`,
    };
  }
  const name = wireName(share.id);
  const isServed = files.links[name] === share.hostPath && files.config.includes(`\n[${name}]\n`);
  if (isServed) return undefined;
  return {
    state: 'unreachable',
    reason: 'the server for shares does not offer the folder yet',
    remedy: 'Run `mobyvm up`.',
  };
}
