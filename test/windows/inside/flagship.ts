import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { HostObject } from '../../support/pwsh-host/stub-calls.js';
import { windowsServices } from '../../../src/windows/index.js';
import { askLinuxSide, serveConsole, unansweredCalls } from './linux-side.js';
import { PipeBridge } from './pipe-bridge.js';
import { installPowerShellRelay } from './powershell-relay.js';

const FOLDER = 'C:\\Program Files\\mobyvm';
const HOME = 'C:\\ProgramData\\mobyvm';
const INSTALLERS = 'Z:\\project\\build\\windows-flagship';
const IMAGE = 'mobyvm-busybox';
/** Of an installation and a boot under software emulation, on a machine that does other things as well. */
const BOOT_MS = 900_000;
const PAGE = 'from a container on Windows';
/**
 * How Windows removes the version that is replaced. Wine's RemoveExistingProducts sets no property, so that the installer would
 * remove the VM as well: https://learn.microsoft.com/windows/win32/msi/upgradingproductcode
 */
const REPLACED = 'UPGRADINGPRODUCTCODE={00000000-0000-4000-8000-000000000000}';
const ERROR_INSTALL_FAILURE = 1603;

installPowerShellRelay();
serveConsole().unref();
const bridge = new PipeBridge('\\\\.\\pipe\\docker_engine');
const untouched = await askLinuxSide('snapshot');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(program: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

/** What docs/windows-run.md has of a run. */
const transcript: { readonly command: string; readonly output: string }[] = [];

function show(command: string, { stdout, stderr }: Pick<Ended, 'stdout' | 'stderr'>): void {
  transcript.push({ command, output: `${stderr}${stdout}` });
}

/** A command that is not part of the transcript. */
function ask(...args: readonly string[]): Promise<Ended> {
  return run(`${FOLDER}\\node.exe`, [`${FOLDER}\\lib\\main.js`, ...args]);
}

async function mobyvm(...args: readonly string[]): Promise<Ended> {
  const ended = await ask(...args);
  show(`mobyvm ${args.join(' ')}`, ended);
  return ended;
}

/** Whether the engine has answered: without it, no test waits for it. */
let isUp = false;

/** @throws with what there is to see, if the machine does not come up */
async function up(): Promise<string> {
  isUp = false;
  const { code, stdout, stderr } = await mobyvm('up');
  if (code === 0) {
    isUp = true;
    return stdout;
  }
  const console = (await askLinuxSide('console', 30)) as string[];
  const problems = (await askLinuxSide('problems')) as string[];
  const log = readFileSync(`${HOME}\\logs\\daemon.log`, 'utf8').trimEnd().split('\n').slice(-40);
  throw new TypeError([`exit code ${code}`, stdout, stderr, ...problems, ...console, ...log].join('\n'));
}

async function msiexec(
  action: '/i' | '/x',
  version: string,
  ...properties: readonly string[]
): Promise<number | null> {
  const name = `mobyvm-${version}.msi`;
  const args = [action, `${INSTALLERS}\\${name}`, '/qn', ...properties];
  const { code } = await run('C:\\windows\\system32\\msiexec.exe', args);
  const command = ['msiexec', action, name, '/qn', ...properties].join(' ');
  show(command, { stdout: code === 0 ? '' : `(exit code ${code})`, stderr: '' });
  return code;
}

/** Wine's installer does not wait for a service that it stops; see msi-suite.ts. */
async function stopService(): Promise<void> {
  show('sc stop mobyvm', { stdout: '', stderr: '' });
  await (await windowsServices()).stop('mobyvm');
  await new Promise((resolve) => setTimeout(resolve, 5_000));
}

async function docker(args: readonly string[], input?: string): Promise<Ended> {
  if (!isUp) throw new TypeError('the machine is not up');
  const ended = (await askLinuxSide('docker', { args, input })) as Ended;
  const words = args.map((word) => (/^[\w./:\\=-]+$/.test(word) ? word : `"${word}"`)).join(' ');
  show(input === undefined ? `docker ${words}` : `echo ${brief(input)} | docker ${words}`, ended);
  return ended;
}

function brief(input: string): string {
  return input.length > 20 ? `${input.slice(0, 20)}…` : input;
}

/** @returns what it prints */
async function dockerPrints(args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await docker(args, input);
  if (code !== 0) throw new TypeError(`docker ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** What a published port answers to a Windows program, which is this one. */
async function curl(port: number): Promise<string> {
  const answer = await get({ port }, '/index.html');
  show(`curl http://127.0.0.1:${port}/index.html`, { stdout: answer, stderr: '' });
  return answer;
}

function type(path: string): string {
  const content = readFileSync(path, 'utf8');
  show(`type ${path}`, { stdout: content, stderr: '' });
  return content;
}

/** By a client that is a Windows program. */
function get(where: { readonly socketPath: string } | { readonly port: number }, path: string) {
  return new Promise<string>((resolve, reject) => {
    const options = { host: '127.0.0.1', ...where, path, agent: false };
    const asked = request(options, (response) => {
      text(response).then(resolve, reject);
    });
    asked.once('error', reject).end();
  });
}

describe('mobyvm on Windows, from the installer to a container', () => {
  it(
    'msiexec installs it, and its service starts the VM',
    async () => {
      expect(await msiexec('/i', '1.0.0')).toBe(0);
      expect((await windowsServices()).find('mobyvm')).toMatchObject({ startsWithWindows: true });
      expect(await up()).toMatch(/^mobyvm is up: Docker \d+\.\d+.* at 10\.0\.75\.2\.$/m);
      expect(await askLinuxSide('snapshot')).toMatchObject({
        machines: [{ Name: 'MobyLinuxVM', State: 'Running', Generation: 2 }],
      });
    },
    BOOT_MS,
  );

  it('status has the facts of the guest', async () => {
    // They are read once the engine answers.
    for (
      let looks = 0;
      looks < 60 && !(await ask('status', '--json')).stdout.includes('"kernel"');
      looks += 1
    )
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    const { code, stdout } = await mobyvm('status', '--verbose');
    expect(stdout).toMatch(/^state +running since /m);
    expect(stdout).toMatch(/^engine +Docker .* answers$/m);
    expect(stdout).toMatch(/^system +Debian .*, Linux .*\b10\.0\.75\.2\b/m);
    expect(code).toBe(0);
  });

  it('both pipes lead to its engine', async () => {
    for (const pipe of ['docker_engine', 'mobyvm_engine']) {
      const answer = await get({ socketPath: `\\\\.\\pipe\\${pipe}` }, '/version');
      expect(JSON.parse(answer)).toMatchObject({ Os: 'linux', Arch: 'amd64' });
    }
    expect(await dockerPrints(['version'])).toMatch(/Client:[^]*Server:/);
  });

  it('a container reads all piped input and returns all output', async () => {
    await askLinuxSide('busybox image', IMAGE);
    expect(await dockerPrints(['run', '--rm', '-i', IMAGE, 'cat'], 'x')).toBe('x');
    const large = 'mobyvm '.repeat(150_000);
    expect((await dockerPrints(['run', '--rm', '-i', IMAGE, 'wc', '-c'], large)).trim()).toBe('1050000');
  });

  it('a published port answers on this computer and on the local network', async () => {
    const serve = `mkdir /www && echo ${PAGE} >/www/index.html && exec busybox httpd -f -p 80 -h /www`;
    await dockerPrints(['run', '-d', '--name', 'web', '-p', '8080:80', IMAGE, 'sh', '-c', serve]);
    expect(await curl(8_080)).toBe(`${PAGE}\n`);
    expect(await askLinuxSide('ask from the local network', 8_080)).toBe(`${PAGE}\n`);
    expect((await mobyvm('port', 'list')).stdout).toContain('8080');
  });

  it('logs -f, exec and a second publication of the port behave as anywhere', async () => {
    const said = 'echo one; sleep 1; echo two';
    await dockerPrints(['run', '-d', '--name', 'talker', IMAGE, 'sh', '-c', said]);
    expect(await dockerPrints(['logs', '-f', 'talker'])).toBe('one\ntwo\n');
    expect(await dockerPrints(['exec', 'web', 'cat', '/www/index.html'])).toBe(`${PAGE}\n`);
    const shell = await docker(['exec', '-it', 'web', 'sh'], 'busybox tty && exit 3\n');
    expect(shell.code).toBe(3);
    expect(shell.stdout).toMatch(/^\/dev\/pts\/\d+\r$/m);
    const second = await docker(['run', '--rm', '-p', '8080:80', IMAGE, 'true']);
    expect(second.code).not.toBe(0);
    expect(second.stderr).toMatch(/8080/);
  });

  it('a container serves a folder of drive C', async () => {
    mkdirSync('C:\\site');
    writeFileSync('C:\\site\\index.html', 'from drive C');
    expect(await mobyvm('share', 'add', 'C')).toMatchObject({ code: 0 });
    const serve = ['busybox', 'httpd', '-f', '-p', '80', '-h', '/site'];
    const bind = ['-v', 'C:\\site:/site'];
    await dockerPrints(['run', '-d', '--name', 'site', ...bind, '-p', '8081:80', IMAGE, ...serve]);
    expect(type('C:\\site\\index.html')).toBe('from drive C');
    expect(await curl(8_081)).toBe('from drive C');
    await dockerPrints(['exec', 'site', 'sh', '-c', 'echo back >/site/back']);
    expect(type('C:\\site\\back')).toBe('back\n');
  });

  it(
    'a newer installer replaces it and keeps what containers have written',
    async () => {
      await dockerPrints(['run', '--rm', '-v', 'kept:/data', IMAGE, 'sh', '-c', 'echo kept >/data/file']);
      await stopService();
      const { machines } = (await askLinuxSide('snapshot')) as { readonly machines: readonly HostObject[] };
      expect(machines).toMatchObject([{ State: 'Saved' }]);
      expect(await msiexec('/x', '1.0.0', REPLACED)).toBe(0);
      expect(existsSync(FOLDER)).toBe(false);
      expect(await askLinuxSide('snapshot')).toMatchObject({ machines });
      expect(await msiexec('/i', '1.1.0')).toBe(0);
      expect(readFileSync(`${FOLDER}\\release.txt`, 'utf8')).toBe('1.1.0');
      await up();
      expect(await dockerPrints(['run', '--rm', '-v', 'kept:/data', IMAGE, 'cat', '/data/file'])).toBe(
        'kept\n',
      );
    },
    BOOT_MS,
  );

  it('an older installer is refused', async () => {
    expect(await msiexec('/i', '1.0.0')).toBe(ERROR_INSTALL_FAILURE);
    expect(await dockerPrints(['version'])).toContain('Server:');
  });

  it('its removal leaves the data disk alone, and nothing else', async () => {
    expect(await msiexec('/x', '1.1.0')).toBe(0);
    expect(existsSync(FOLDER)).toBe(false);
    expect((await windowsServices()).find('mobyvm')).toBeUndefined();
    expect(await askLinuxSide('snapshot')).toEqual(untouched);
    expect(await unansweredCalls()).toEqual([]);
    const left = readdirSync(HOME, { recursive: true, withFileTypes: true });
    const files = left.filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(files).toEqual([expect.stringMatching(/\.vhdx$/)]);
  });

  it('its transcript is written on request', async () => {
    await bridge.close();
    await askLinuxSide('transcript', transcript);
  });
});
