import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { unexpandedText } from '../../../src/windows/calls/registry.js';
import { windowsServices } from '../../../src/windows/index.js';

const BUNDLE = 'Z:\\project\\build\\windows-product\\stage';
const FOLDERS = ["C:\\Prögram Files\\O'Brien & Söhne\\mobyvm", 'C:\\Program Files\\newer mobyvm'] as const;
const NAME = 'mobyvm';
const SOURCE = `SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\${NAME}`;
const ROUNDS = 10;

for (const folder of FOLDERS) {
  mkdirSync(folder, { recursive: true });
  cpSync(BUNDLE, folder, { recursive: true });
}

// Wine's own reads nothing and never ends. node.exe refuses its options, so that the start of the VM fails at once.
const SYSTEM = 'C:\\windows\\system32';
const POWERSHELL = `${SYSTEM}\\WindowsPowerShell\\v1.0\\powershell.exe`;
// The file has a link in the template of Windows' folder.
rmSync(POWERSHELL);
cpSync(process.execPath, POWERSHELL);

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function mobyvm(
  args: readonly string[],
  env: object = {},
  folder: string = FOLDERS[0],
): Promise<Ended> {
  const child = spawn(`${folder}\\node.exe`, [`${folder}\\lib\\main.js`, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

function lastLogged(event: string): string | undefined {
  const lines = readFileSync('C:\\ProgramData\\mobyvm\\logs\\daemon.log', 'utf8').split('\n');
  return lines.reverse().find((line) => line.includes(`"${event}"`));
}

describe('the service', () => {
  it('is installed from a path with spaces, umlauts and an apostrophe, and starts with Windows', async () => {
    expect(await mobyvm(['service', 'status'])).toMatchObject({ code: 1, stdout: 'mobyvm: not installed\n' });
    expect(await mobyvm(['service', 'install'])).toMatchObject({ code: 0, stderr: '' });
    const { stdout } = await mobyvm(['service', 'status', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ name: NAME, state: 'stopped', startsWithWindows: true });
    const installed = (await windowsServices()).find(NAME);
    expect(installed?.commandLine).toMatch(`"${FOLDERS[0]}\\node.exe" "${FOLDERS[0]}\\lib\\service.js" `);
    expect(unexpandedText(SOURCE, 'EventMessageFile')).toBe('%SystemRoot%\\System32\\EventCreate.exe');
  });

  it('is started, serves the control pipe and both pipes of the engine, and refuses a second daemon', async () => {
    const services = await windowsServices();
    services.start(NAME, ['--no-start']);
    await until(() => services.find(NAME)?.state === 'running');
    const { stdout } = await mobyvm(['status']);
    expect(stdout).toMatch(/^state {5}(absent|stopped) since /m);
    expect(stdout).toContain('endpoint  npipe:////./pipe/mobyvm_engine');
    expect(stdout).toContain('npipe:////./pipe/docker_engine');
    const second = await mobyvm(['daemon', '--no-start']);
    expect(second).toMatchObject({ code: 1 });
    expect(second.stderr).toContain('MOBYVM_DAEMON_RUNNING');
  });

  it('is stopped by the command, and ends well', async () => {
    expect(await mobyvm(['service', 'stop'])).toMatchObject({
      code: 0,
      stdout: 'The service "mobyvm" was stopped.\n',
    });
    expect((await windowsServices()).find(NAME)).toMatchObject({ state: 'stopped', exitCode: 0 });
    expect(lastLogged('daemon.ended')).toContain('"code":0');
  });

  it(`starts and stops ${ROUNDS} times`, async () => {
    const services = await windowsServices();
    for (let round = 0; round < ROUNDS; round++) {
      expect(services.start(NAME, ['--no-start'])).toBe(true);
      await until(() => services.find(NAME)?.state === 'running');
      expect(await services.stop(NAME)).toBe(true);
      expect(services.find(NAME)).toMatchObject({ state: 'stopped', exitCode: 0 });
    }
  });

  it('ends with an exit code when the daemon cannot start, and `mobyvm up` has the reason', async () => {
    // A folder where a file should be.
    mkdirSync('C:\\ProgramData\\broken\\state\\machine.json', { recursive: true });
    const env = {
      MOBYVM_RUN_DIR: 'C:\\ProgramData\\broken\\run',
      MOBYVM_STATE_DIR: 'C:\\ProgramData\\broken\\state',
    };
    const installed = await mobyvm(['service', 'install'], env);
    expect(installed).toMatchObject({ code: 0 });
    const name = /"(mobyvm_[0-9a-f]{12})"/.exec(installed.stdout)?.[1] ?? '';
    const start = await mobyvm(['service', 'start'], env);
    expect(start).toMatchObject({ code: 1 });
    expect(start.stderr).toContain('stopped with exit code');
    expect((await windowsServices()).find(name)).toMatchObject({ state: 'stopped', exitCode: 1 });
    const up = await mobyvm(['up'], env);
    expect(up.code).not.toBe(0);
    expect(up.stderr).toContain('machine.json');
    expect(await mobyvm(['service', 'uninstall'], env)).toMatchObject({ code: 0 });
  });

  it('is installed over a running older one, which is replaced', async () => {
    const services = await windowsServices();
    services.start(NAME, ['--no-start']);
    await until(() => services.find(NAME)?.state === 'running');
    const older = services.find(NAME)?.pid;
    const { stdout, code } = await mobyvm(['service', 'install'], {}, FOLDERS[1]);
    expect({ stdout, code }).toEqual({ stdout: 'The service "mobyvm" was updated.\n', code: 0 });
    expect(services.find(NAME)?.commandLine).toContain(FOLDERS[1]);
    expect(services.find(NAME)?.pid).not.toBe(older);
    // Unlike the one before, it starts the VM, for which nothing here is real.
    await until(() => services.find(NAME)?.state === 'stopped');
    expect(services.find(NAME)?.exitCode).toBe(1);
    expect(lastLogged('operation.failed')).toContain('"MOBYVM_POWERSHELL_START"');
  });

  it('is stopped and removed, with its event source', async () => {
    expect(await mobyvm(['service', 'uninstall'])).toMatchObject({
      code: 0,
      stdout: 'The service "mobyvm" was removed.\n',
    });
    expect(await mobyvm(['service', 'status'])).toMatchObject({ code: 1, stdout: 'mobyvm: not installed\n' });
    expect(unexpandedText(SOURCE, 'EventMessageFile')).toBeUndefined();
    const start = await mobyvm(['up']);
    expect(start.stderr).toContain('is not installed');
    expect(start.stderr).toContain('mobyvm service install');
  });

  it('leaves nothing in the way of the next daemon when it is killed', async () => {
    expect(await mobyvm(['service', 'install'])).toMatchObject({ code: 0 });
    const services = await windowsServices();
    services.start(NAME, ['--no-start']);
    await until(() => services.find(NAME)?.state === 'running');
    process.kill(services.find(NAME)?.pid ?? 0);
    // Ends by itself, because nobody uses it. Wine does not notice that the service has ended.
    expect(await mobyvm(['daemon', '--no-start', '--background'])).toMatchObject({ code: 0 });
  });
});
