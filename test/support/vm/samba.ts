import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../src/core/host/index.js';
import { errnoOf } from '../../../src/core/values/index.js';
import type { NetworkNamespace, RunningProgram } from '../netns.js';
import { until } from './vm-harness.js';

export const SMB_USER = 'mobyuser';

export interface SambaShare {
  readonly name: string;
  readonly path: string;
  /** Further lines of smb.conf. */
  readonly lines?: readonly string[];
}

/** An smbd of the test's own at 10.0.75.1 of a namespace, with all its state in one folder. */
export class Samba implements AsyncDisposable {
  #program: RunningProgram | undefined;

  private constructor(
    readonly folder: string,
    readonly namespace: NetworkNamespace,
  ) {}

  static async create(
    folder: string,
    namespace: NetworkNamespace,
    shares: readonly SambaShare[],
  ): Promise<Samba> {
    const samba = new Samba(folder, namespace);
    for (const name of ['private', 'lock', 'state', 'cache', 'pid', 'ncalrpc'])
      await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, 'usermap'), `nobody = ${SMB_USER}\n`);
    await writeFile(samba.#configuration, configurationOf(folder, shares));
    return samba;
  }

  get #configuration(): string {
    return join(this.folder, 'smb.conf');
  }

  async setPassword(password: string): Promise<void> {
    const input = `${password}\n${password}\n`;
    await run('smbpasswd', ['-c', this.#configuration, '-L', '-s', '-a', 'nobody'], { input });
  }

  async start(): Promise<void> {
    // At its end smbd signals its whole process group, which must not be the test's; and with a socket as standard
    // input, which Node's pipes are, it takes that for its client.
    const smbd = ['setsid', 'smbd', '-F', '--no-process-group', '-s', this.#configuration];
    this.#program = this.namespace.start('sh', ['-c', 'exec "$@" </dev/null', 'sh', ...smbd]);
    await until('smbd to listen', async () => {
      const { stdout } = await this.namespace.run('ss', ['-Hltn', 'sport = :445']);
      return stdout !== '';
    });
  }

  /** All processes of smbd: it has one for each connection. */
  async signal(name: NodeJS.Signals): Promise<void> {
    const { stdout } = await run('ps', ['-eo', 'pid=,args=', '-ww']);
    for (const line of stdout.split('\n')) {
      if (!line.includes(this.#configuration) || line.includes('ip netns')) continue;
      try {
        process.kill(Number.parseInt(line, 10), name);
      } catch (error) {
        if (errnoOf(error) !== 'ESRCH') throw error;
      }
    }
  }

  /** Ends the processes that serve a connection; the server keeps listening, and clients have to log in again. */
  async dropSessions(): Promise<void> {
    const connected = ['-Htnp', 'state', 'established', 'sport', '=', ':445'];
    const { stdout } = await this.namespace.run('ss', connected);
    const pids = new Set([...stdout.matchAll(/"smbd[^"]*",pid=(\d+)/g)].map(([, pid]) => Number(pid)));
    for (const pid of pids) process.kill(pid, 'SIGKILL');
  }

  async kill(): Promise<void> {
    await this.signal('SIGKILL');
    await this.#program?.exit;
    this.#program = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

function configurationOf(folder: string, shares: readonly SambaShare[]): string {
  return [
    '[global]',
    ' server role = standalone server',
    ' workgroup = MOBYVM',
    ' interfaces = 10.0.75.1',
    ' bind interfaces only = yes',
    ' smb ports = 445',
    ' disable netbios = yes',
    ' disable spoolss = yes',
    ' load printers = no',
    ` private dir = ${folder}/private`,
    ` lock directory = ${folder}/lock`,
    ` state directory = ${folder}/state`,
    ` cache directory = ${folder}/cache`,
    ` pid directory = ${folder}/pid`,
    ` ncalrpc dir = ${folder}/ncalrpc`,
    ` passdb backend = smbpasswd:${folder}/private/smbpasswd`,
    ` username map = ${folder}/usermap`,
    ` log file = ${folder}/log.smbd`,
    ' map to guest = never',
    ' server min protocol = SMB3_00',
    ' store dos attributes = no',
    ' map archive = no',
    ...shares.flatMap(({ name, path, lines = [] }) => [
      `[${name}]`,
      ` path = ${path}`,
      ' read only = no',
      ' force user = root',
      ...lines.map((line) => ` ${line}`),
    ]),
    '',
  ].join('\n');
}
