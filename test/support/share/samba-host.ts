import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  run,
  runSteps,
  ensureSteps,
  type LogFields,
  type Logger,
  type RunResult,
  type StepOutcome,
} from '../../../src/core/host/index.js';
import { parseIpv4 } from '../../../src/core/values/index.js';
import {
  DEFAULT_OWNER,
  fileCredentials,
  sambaFileServer,
  type CredentialStore,
  type FileServer,
  type FileServerPlace,
  type Share,
} from '../../../src/share/index.js';
import { connect, NetworkNamespace } from '../netns.js';

export const PLACE: FileServerPlace = {
  hostAddress: parseIpv4('10.99.75.1'),
  vmAddress: parseIpv4('10.99.75.2'),
};

export interface LogLine {
  readonly level: keyof Logger;
  readonly event: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines. */
export function keptLog(): { readonly logger: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: keyof Logger): Logger['info'] =>
    (event, fields = {}) =>
      void lines.push({ level, event, fields });
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

/** A host and a VM in two namespaces, joined by a cable; smbd runs in the host's. */
export class SambaHost implements AsyncDisposable {
  readonly log = keptLog();
  readonly #servers: FileServer[] = [];

  private constructor(
    readonly host: NetworkNamespace,
    readonly vm: NetworkNamespace,
    /** Holds everything: `share`, `run`, `log`, `state`. */
    readonly folder: string,
    readonly credentials: CredentialStore,
  ) {}

  static async create(): Promise<SambaHost> {
    const folder = await mkdtemp(join(tmpdir(), 'mvsmb-'));
    const host = await NetworkNamespace.create('host');
    const vm = await NetworkNamespace.create('vm');
    await connect(
      { namespace: host, device: 'br0', addresses: [`${PLACE.hostAddress}/24`] },
      { namespace: vm, device: 'eth0', addresses: [`${PLACE.vmAddress}/24`] },
    );
    for (const name of ['run', 'log', 'share']) await mkdir(join(folder, name));
    // A share's owner must be able to enter what is above it.
    await run('chmod', ['755', folder]);
    return new SambaHost(host, vm, folder, fileCredentials(join(folder, 'state/credentials.json')));
  }

  get runDir(): string {
    return join(this.folder, 'run');
  }

  /** A file server such as a daemon has; a second one plays the next daemon. */
  server(smbd: readonly [string, ...string[]] = ['smbd']): FileServer {
    const inHost = ['ip', 'netns', 'exec', this.host.name] as const;
    const server = sambaFileServer({
      runDir: this.runDir,
      logDir: join(this.folder, 'log'),
      credentials: this.credentials,
      logger: this.log.logger,
      programs: { smbd: [...inHost, ...smbd], smbcontrol: [...inHost, 'smbcontrol'] },
    });
    this.#servers.push(server);
    return server;
  }

  /** A folder to share, owned by the account with this id. */
  async shareFolder(name: string, uid = 0, gid = uid): Promise<string> {
    const path = join(this.folder, 'share', name);
    await mkdir(path, { recursive: true });
    await chown(path, uid, gid);
    return path;
  }

  /** The process of the server, by its pid file. */
  async pid(): Promise<number> {
    return Number(await readFile(join(this.runDir, 'samba/smbd.pid'), 'utf8'));
  }

  /** Runs commands of smbclient(1) in the VM, as the share's account. */
  async client(
    server: FileServer,
    share: Share,
    commands: string,
    { password, user }: { readonly password?: string; readonly user?: string } = {},
  ): Promise<RunResult> {
    const login = await server.login(share, new AbortController().signal);
    const file = join(this.folder, `login-${Math.random()}`);
    await writeFile(file, `username=${user ?? login.user}\npassword=${password ?? login.password}\n`, {
      mode: 0o600,
    });
    const port = String(await server.port());
    const args = ['-s', '/dev/null', '-p', port, server.unc(PLACE, share), '-A', file, '-c', commands];
    return this.vm.run('smbclient', args, { acceptExitCodes: [0, 1], cwd: this.folder, timeoutMs: 60_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
    await this.host[Symbol.asyncDispose]();
    await this.vm[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function shareOf(id: string, hostPath: string, more: Partial<Share> = {}): Share {
  return {
    id,
    name: id,
    hostPath,
    points: [`/${id}`],
    isReadOnly: false,
    account: { kind: 'private' },
    owner: DEFAULT_OWNER,
    ...more,
  };
}

/** Ensures the server's resources for these shares, as `up` does. @returns what each changed */
export async function serve(
  server: FileServer,
  shares: readonly Share[],
  place: FileServerPlace = PLACE,
): Promise<readonly StepOutcome[]> {
  const changes: StepOutcome[] = [];
  await runSteps(ensureSteps(server.resources(place, shares)), {
    emit: (event) => {
      if (event.event === 'step.done') changes.push(event.change);
    },
    signal: new AbortController().signal,
    nowMs: () => 0,
  });
  return changes;
}
