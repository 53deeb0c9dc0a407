import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { basename, join } from 'node:path';
import type { AnswerCmdlet, HostAnswer, HostObject } from '../pwsh-host/stub-calls.js';
import { Bound } from './bound.js';
import { notFound } from './host-failure.js';
import type { SimulatedHost } from './simulated-host.js';
import type { SystemPrograms } from './system-programs.js';

/** Who installed it, into his own folder: neither may be in a report. */
export const PERSON = { name: 'erika', sid: 'S-1-5-21-1004336348-1177238915-682003330-1001' } as const;
/** The group's own. */
export const DOCKER_USERS = 'S-1-5-21-1004336348-1177238915-682003330-1004';
const SERVICE_KEY = 'HKLM:\\SYSTEM\\CurrentControlSet\\Services';
const FOLDERS = ['state', 'run', 'logs', 'state/tls', 'state/vm'];
const FILES = [
  'settings.json',
  'state/token',
  'state/tls/ca-key.pem',
  'state/shares.json',
  'run/daemon.lock',
];
const RECOVERY = [
  ...['[SC] QueryServiceConfig2 ERFOLG', '', 'SERVICE_NAME: mobyvm'],
  ...['        RESET_PERIOD (in Sekunden)   : 86400', '        REBOOT_MESSAGE               :'],
  `        COMMAND_LINE                 : C:\\Users\\${PERSON.name}\\failed.cmd`,
  '        FAILURE_ACTIONS              : NEU STARTEN -- Verzoegerung = 5000 Millisekunden.',
  '                                       NEU STARTEN -- Verzoegerung = 30000 Millisekunden.',
];
const ACCESS = {
  pipe: `O:BAG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x12019b;;;${DOCKER_USERS})(A;;0x12019b;;;${PERSON.sid})`,
  shared: 'O:SYG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)',
  private: 'O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;;FA;;;S-1-5-83-1-1-2-3-4)',
  file: 'O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)',
  own: `O:${PERSON.sid}G:${PERSON.sid}D:AI(A;OICIID;FA;;;${PERSON.sid})(A;OICIID;FA;;;SY)`,
};

/**
 * What a Windows host has of mobyvm itself: its service, pipes and files, as verify-windows.ps1 reads them. The files are real ones in
 * a folder, and its pipes are the sockets that .NET uses in their place on Linux.
 */
export class InstalledProduct implements AsyncDisposable {
  state: 'not installed' | 'not running' | 'running' = 'not installed';
  /** The pipe of each connection, in their order. */
  readonly connections: string[] = [];
  /** Every call that it answered. */
  readonly commands: string[] = [];
  readonly #servers: Server[] = [];

  constructor(
    /** As ProgramData and as TMPDIR. */
    readonly folder: string,
  ) {}

  async install(host: SimulatedHost, programs: SystemPrograms): Promise<void> {
    this.state = 'not running';
    for (const name of FOLDERS) await mkdir(join(this.folder, 'mobyvm', name), { recursive: true });
    for (const name of FILES) await writeFile(join(this.folder, 'mobyvm', name), `secret of ${PERSON.name}`);
    host.system.services.push({
      ...{ Name: 'mobyvm', State: 'Stopped', StartMode: 'Auto', ProcessId: 0, StartName: 'LocalSystem' },
      PathName: `"C:\\Users\\${PERSON.name}\\mobyvm\\node.exe" "lib\\service.js" "--user=${PERSON.sid}"`,
    });
    host.system.cim.set('Win32_Group', [{ Name: 'docker-users', SID: DOCKER_USERS }]);
    await programs.write('sc', RECOVERY);
  }

  async start(host: SimulatedHost): Promise<void> {
    this.state = 'running';
    for (const each of host.system.services) if (each.Name === 'mobyvm') each.State = 'Running';
    for (const pipe of ['mobyvm_engine', 'mobyvm_control', 'docker_engine']) {
      const server = createServer((socket) => {
        this.connections.push(pipe);
        socket.on('error', () => undefined).resume();
      });
      await new Promise<void>((listening) => {
        server.listen(join(this.folder, `CoreFxPipe_${pipe}`), listening);
      });
      this.#servers.push(server);
    }
  }

  /** Its files and folders, with what is in them. */
  async snapshot(): Promise<Readonly<Record<string, string>>> {
    const found = await readdir(join(this.folder, 'mobyvm'), { recursive: true, withFileTypes: true });
    const paths = found.map((each) => ({ path: join(each.parentPath, each.name), isFile: each.isFile() }));
    return Object.fromEntries(
      await Promise.all(
        paths.map(async ({ path, isFile }) => [path, isFile ? await readFile(path, 'utf8') : ''] as const),
      ),
    );
  }

  /** Undefined for what is not about it. */
  readonly answer = (call: Parameters<AnswerCmdlet>[0]): HostAnswer | undefined => {
    const bound = new Bound(call);
    const answer = this.#answer(call.command, bound);
    if (answer !== undefined) this.commands.push(call.command);
    return answer;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await new Promise((closed) => server.close(closed));
  }

  #answer(command: string, bound: Bound): HostAnswer | undefined {
    switch (command) {
      case 'Get-ChildItem':
        return rows(this.#pipes().map((Name) => ({ Name })));
      case 'Get-Acl':
        return this.#access(bound.text('LiteralPath'));
      case 'Get-ItemProperty':
        return this.#key(bound.text('LiteralPath'));
      case 'Get-WinEvent':
        return rows([{ Message: `The daemon of ${PERSON.name} was started.` }, { Message: null }]);
      default:
        return undefined;
    }
  }

  #pipes(): readonly string[] {
    const others = ['lsass', `pipe of ${PERSON.name}`];
    return this.state === 'running'
      ? [...others, 'mobyvm_engine', 'mobyvm_control', 'docker_engine', 'mobyvm_console']
      : others;
  }

  #access(path: string): HostAnswer {
    // A list of a pipe that cannot be read: ERROR_INVALID_PARAMETER.
    if (path.endsWith('mobyvm_control')) return failure('InvalidOperation', 0x8007_0057, path);
    const name = basename(path.replaceAll('\\', '/'));
    if (path.startsWith('\\\\.\\pipe\\')) return rows([{ Sddl: ACCESS.pipe }]);
    if (['state', 'logs', 'tls', 'vm'].includes(name)) return rows([{ Sddl: ACCESS.private }]);
    if (path.includes(PERSON.name)) return rows([{ Sddl: ACCESS.own }]);
    return rows([{ Sddl: ['mobyvm', 'run'].includes(name) ? ACCESS.shared : ACCESS.file }]);
  }

  #key(path: string): HostAnswer {
    if (this.state === 'not installed') return { kind: 'failure', failure: notFound(path).failure };
    if (path === `${SERVICE_KEY}\\mobyvm`)
      return rows([
        { ObjectName: 'LocalSystem', FailureActionsOnNonCrashFailures: 1, PreshutdownTimeout: 300_000 },
      ]);
    if (path !== `${SERVICE_KEY}\\EventLog\\Application\\mobyvm`) throw new Error(`unexpected key ${path}`);
    return rows([{ EventMessageFile: 'C:\\Windows\\System32\\EventCreate.exe', TypesSupported: 7 }]);
  }
}

function rows(found: readonly HostObject[]): HostAnswer {
  return { kind: 'rows', rows: found };
}

function failure(category: string, hresult: number, path: string): HostAnswer {
  const message = `Der Vorgang ist ungültig: ${path} von ${PERSON.name}.`;
  return { kind: 'failure', failure: { errorId: `System.${category}Exception`, category, hresult, message } };
}
