import { spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { unexpandedText } from '../../../src/windows/calls/registry.js';
import { windowsServices } from '../../../src/windows/index.js';

/** Only the first version is told; an upgrade finds it. */
const FOLDER = "C:\\Prögram Files\\O'Brien, Söhne\\mobyvm";
const SYSTEM = 'C:\\windows\\system32';
const ENVIRONMENT = 'SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment';
const SOURCE = 'SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\mobyvm';
const ERROR_INSTALL_FAILURE = 1603;

// See service-suite.ts.
const POWERSHELL = `${SYSTEM}\\WindowsPowerShell\\v1.0\\powershell.exe`;
rmSync(POWERSHELL);
cpSync(process.execPath, POWERSHELL);

async function run(
  program: string,
  args: readonly string[],
  options: { readonly windowsVerbatimArguments?: boolean } = {},
): Promise<{ code: number | null; stdout: string }> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], ...options });
  let stdout = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => (stdout += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout };
}

async function msiexec(
  action: '/i' | '/x',
  version: string,
  ...properties: readonly string[]
): Promise<number | null> {
  const file = `Z:\\project\\build\\windows-product\\mobyvm-${version}.msi`;
  // It wants quotes around a property's value, not around the whole.
  const options = { windowsVerbatimArguments: true };
  return (await run(`${SYSTEM}\\msiexec.exe`, [action, file, '/qn', ...properties], options)).code;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 50));
}

/**
 * Wine's installer does not wait for a service that it stops, and its service control manager takes a moment to notice that
 * the process of a stopped one is gone.
 */
async function stopService(): Promise<void> {
  await (await windowsServices()).stop('mobyvm');
  await new Promise((resolve) => setTimeout(resolve, 5_000));
}

const releaseOf = (): string => readFileSync(`${FOLDER}\\release.txt`, 'utf8');

const searchPath = (): string | undefined => unexpandedText(ENVIRONMENT, 'PATH');

describe('the installer', () => {
  it('installs the program with its service, its PATH entry and readable events', async () => {
    expect(await msiexec('/i', '1.0.0', `INSTALLDIR="${FOLDER}"`)).toBe(0);
    expect(releaseOf()).toBe('1.0.0');
    const service = (await windowsServices()).find('mobyvm');
    expect(service?.startsWithWindows).toBe(true);
    expect(service?.commandLine).toContain(`${FOLDER}\\node.exe`);
    expect(service?.commandLine).toContain(`"${FOLDER}\\lib\\service.js" "--service=mobyvm" "--user=S-1-`);
    expect(searchPath()).toContain(FOLDER);
    expect(unexpandedText(SOURCE, 'EventMessageFile')).toBe('%SystemRoot%\\System32\\EventCreate.exe');
    const version = await run(`${SYSTEM}\\cmd.exe`, ['/c', `${FOLDER}\\mobyvm.cmd`, '--version']);
    expect(version.stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('has started the service, which says why the VM could not be started here', async () => {
    const services = await windowsServices();
    await until(() => services.find('mobyvm')?.state === 'stopped');
    const log = readFileSync('C:\\ProgramData\\mobyvm\\logs\\daemon.log', 'utf8');
    expect(log).toContain('"daemon.started"');
    expect(log).toContain('MOBYVM_POWERSHELL_START');
  });

  it('replaces an older version in the folder that was chosen, and keeps its state', async () => {
    await stopService();
    expect(await msiexec('/i', '1.1.0')).toBe(0);
    expect(releaseOf()).toBe('1.1.0');
    expect((await windowsServices()).find('mobyvm')?.startsWithWindows).toBe(true);
    expect(existsSync('C:\\ProgramData\\mobyvm\\state\\machine.json')).toBe(true);
  });

  it('refuses to replace a newer version', async () => {
    expect(await msiexec('/i', '1.0.0')).toBe(ERROR_INSTALL_FAILURE);
    expect(releaseOf()).toBe('1.1.0');
  });

  it('removes all of it, but no state', async () => {
    const services = await windowsServices();
    await stopService();
    expect(await msiexec('/x', '1.1.0')).toBe(0);
    expect(existsSync(FOLDER)).toBe(false);
    expect(services.find('mobyvm')).toBeUndefined();
    expect(searchPath()).not.toContain(FOLDER);
    expect(unexpandedText(SOURCE, 'EventMessageFile')).toBeUndefined();
    expect(existsSync('C:\\ProgramData\\mobyvm\\state\\machine.json')).toBe(true);
  });
});
