import type { ManagedResource } from '../../core/host/index.js';
import type { Change } from '../../core/values/index.js';
import { privatePassword } from '../credentials/private-password.js';
import type { FileServer, FileServerPlace, FileServerProblem } from '../file-server.js';
import type { Share } from '../share.js';
import { credentialsError } from '../share-errors.js';
import { loginOf } from './samba-account.js';
import type { SambaOptions } from './samba-options.js';
import { SambaServer, type ServerFound, type ServerWanted } from './samba-server.js';
import { rightsOf, servable, serverWanted } from './served-shares.js';
import { mayRead, notReadable } from './share-folder.js';
import { wireName } from './smb-conf.plan.js';

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
      const found = await servable(share, credentials, signal);
      if (!('folder' in found)) return found;
      const rights = rightsOf(found);
      if (!(await mayRead(share.hostPath, rights, signal))) return notReadable(share.hostPath, rights);
      return serverProblem(server, serverWanted(place, [found], server.paths), wireName(share.id), signal);
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
    const found = await Promise.all(shares.map((share) => servable(share, credentials, signal)));
    return serverWanted(
      place,
      found.filter((each) => 'folder' in each),
      server.paths,
    );
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
  wanted: ServerWanted,
  name: string,
  signal: AbortSignal,
): Promise<FileServerProblem | undefined> {
  const found = await server.observe();
  const remedy = 'mobyvm starts it again by itself within a minute; `mobyvm logs` says what keeps it.';
  if (found.server === undefined) {
    return { state: 'unreachable', reason: 'the server for shares (smbd) does not run', remedy };
  }
  if (!(await server.answers(signal))) {
    return {
      state: 'unreachable',
      reason: `the server for shares (smbd, process ${found.server.pid}) does not answer`,
      remedy: `See ${server.paths.log}; \`mobyvm restart\` starts another one.`,
    };
  }
  const isServed = found.files.links[name] === wanted.filesFor(found.port).links[name];
  if (isServed && found.files.config.includes(`\n[${name}]\n`)) return undefined;
  return {
    state: 'unreachable',
    reason: 'the server for shares does not offer it yet',
    remedy: 'Run `mobyvm up`.',
  };
}
