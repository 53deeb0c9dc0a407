import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../src/core/host/index.js';
import { hasBrowser, startBrowser } from '../support/browser.js';
import { compiledSource } from '../support/compiled.js';
import { RunningProgram } from '../support/netns-program.js';
import { unzip } from '../support/unzip.js';

/** A real daemon process, whose VM is off, and a real browser. */
describe.runIf(hasBrowser)('the dashboard of a daemon process', () => {
  let main = '';
  let browser: Browser;
  beforeAll(async () => {
    const compiled = await compiledSource();
    main = join(compiled, 'main.js');
    const bundler = ['scripts/bundle-dashboard.mjs', join(compiled, 'dashboard')];
    await run(process.execPath, bundler, { timeoutMs: 120_000 });
    browser = await startBrowser();
  }, 600_000);
  afterAll(() => browser.close());

  let folder = '';
  let daemon: RunningProgram;
  let env: Readonly<Record<string, string>> = {};
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mobyvm-dd-'));
    env = {
      MOBYVM_STATE_DIR: join(folder, 'state'),
      MOBYVM_RUN_DIR: join(folder, 'run'),
      MOBYVM_LOG_DIR: join(folder, 'log'),
      MOBYVM_SETTINGS: join(folder, 'settings.json'),
    };
    await startDaemon();
  });
  afterEach(async () => {
    await daemon[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function startDaemon(): Promise<void> {
    daemon = new RunningProgram(process.execPath, [main, 'daemon', '--no-start'], env);
    const isThere = async (): Promise<boolean> =>
      (await stat(join(folder, 'run/control.sock')).catch(() => undefined)) !== undefined;
    while (!(await isThere()) && !daemon.ended) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(daemon.ended, daemon.lines.join('\n')).toBe(false);
  }

  async function mobyvm(...args: string[]): Promise<string> {
    const options = { env: { ...process.env, ...env }, timeoutMs: 120_000 };
    return (await run(process.execPath, [main, ...args], options)).stdout;
  }

  test('is opened by its command, shows what commands do, comes back after a crash, and saves a diagnosis', async () => {
    const [address = ''] = (await mobyvm('dashboard', '--print')).split('\n');
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/);
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    try {
      await page.goto(address);
      await page.getByText('absent', { exact: true }).first().waitFor();
      await page.getByRole('link', { name: 'Shares' }).click();
      await mobyvm('share', 'add', 'C', '--path', folder);
      await page.getByText(folder).first().waitFor();

      process.kill(daemon.pid, 'SIGKILL');
      await daemon.exit;
      await page.getByText('The daemon does not answer').waitFor();
      await rm(join(folder, 'run/control.sock'), { force: true });
      await startDaemon();
      await page.getByText('absent', { exact: true }).first().waitFor();
      const [next] = (await mobyvm('dashboard', '--print')).split('\n');
      expect(next).not.toBe(address);
      expect(next?.split('#')[0]).toBe(address.split('#')[0]);

      await page.getByRole('link', { name: 'Log' }).click();
      await page.getByText('daemon.started').first().waitFor();
      expect(await page.getByText(/token/).count()).toBe(0);

      await page.getByRole('link', { name: 'Doctor' }).click();
      const saved = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Collect' }).click();
      const files = unzip(await readFile(await (await saved).path()));
      expect(JSON.parse(files.get('evidence/status.json') ?? '')).toMatchObject({ state: 'absent' });
    } finally {
      await page.close();
    }
  });
});
