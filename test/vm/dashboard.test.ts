import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/core/host/index.js';
import { hasBrowser, startBrowser } from '../support/browser.js';
import { Instance } from '../support/instance.js';
import { BUSYBOX, startMachine } from '../support/vm/started-machine.js';

/** For what happens in the VM, on a machine that is three times slower. */
const PATIENCE_MS = 300_000;

/** Chromium with the dashboard of a real VM. One machine; the tests depend on each other, in this order. */
describe.runIf(hasBrowser)('the dashboard of a VM', () => {
  let instance: Instance;
  let folder = '';
  let browser: Browser | undefined;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    instance = await Instance.create({ vm: { bootTimeoutSeconds: 600 } });
    folder = await mkdtemp(join(tmpdir(), 'mobyvm-shared-'));
    await mkdir(join(folder, 'site'));
    await writeFile(join(folder, 'site/index.html'), 'hello from the host\n');
    await startMachine(instance);
    browser = await startBrowser(instance.namespace);
    page = await browser.newPage({ viewport: { width: 1_280, height: 860 } });
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) complaints.push(message.text());
    });
  });
  afterAll(async () => {
    await browser?.close();
    await instance[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
    expect(complaints).toEqual([]);
  });

  async function view(name: string): Promise<void> {
    await page.getByRole('navigation').getByRole('link', { name }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
  }

  test('shows the engine, the disk, the network and the lease of a VM that runs', async () => {
    const { stdout } = await instance.mobyvm(['dashboard', '--print']);
    await page.goto(stdout.split('\n')[0] ?? '');
    await page.getByText('running', { exact: true }).first().waitFor();
    await page.getByText('answers', { exact: true }).waitFor();
    await page.getByRole('img', { name: /^Data disk: .* of .* used/ }).waitFor();
    await page.getByRole('img', { name: /^Processor: \d+ %/ }).waitFor();
    await page.getByRole('img', { name: /^Memory: .*[MG]iB/ }).waitFor();
    await view('Network');
    await page.getByRole('row', { name: /^10\.0\.75\.2 .* bound/ }).waitFor();
  });

  test('refuses a password that SMB cannot carry, and adds the share with another', async () => {
    await view('Shares');
    const form = page.getByRole('form', { name: 'Another folder' });
    await form.getByLabel('Full path, or drive letter').fill('C');
    await form.getByLabel('Folder that the letter stands for').fill(folder);
    await form.getByLabel('Account').fill('root');
    // Server and VM both get the password that is typed here, so no other one can be wrong.
    await form.getByLabel('Its password').fill('x'.repeat(200));
    await form.getByRole('button', { name: 'Share', exact: true }).click();
    await form.getByRole('alert').getByText('127').waitFor();
    expect(await page.getByRole('button', { name: 'Check C' }).count()).toBe(0);
    await form.getByLabel('Its password').fill('pä55, "w$rd"');
    await form.getByRole('button', { name: 'Share', exact: true }).click();
    await page.getByRole('listitem').filter({ hasText: folder }).getByText('healthy').waitFor();
    expect(await page.content()).not.toContain('w$rd');
    const mounted = await instance.docker([
      'run',
      '--rm',
      '-v',
      'C:\\site:/data',
      BUSYBOX,
      'cat',
      '/data/index.html',
    ]);
    expect(mounted).toBe('hello from the host\n');
    await page.getByRole('button', { name: 'Check C' }).click();
    await page.getByLabel('Result of the check').getByText('ok').first().waitFor();
  });

  test('says that a share needs a password when that is lost, and has it again with a new one', async () => {
    const share = page.getByRole('listitem').filter({ hasText: folder });
    // As errors about this file tell people to do.
    await rm(join(instance.directory, 'state/credentials.json'));
    await share.getByRole('button', { name: 'Check C' }).click();
    await share.getByText('needs-credentials', { exact: true }).waitFor();
    await share.getByText('the password of "root" is not known').first().waitFor();
    await share.getByRole('button', { name: 'New password' }).click();
    await share.getByLabel('Password of root').fill('another "one", 2');
    await share.getByRole('button', { name: 'Save password' }).click();
    await share.getByText('healthy', { exact: true }).waitFor();
    const read = ['run', '--rm', '-v', 'C:\\site:/data', BUSYBOX, 'cat', '/data/index.html'];
    expect(await instance.docker(read)).toBe('hello from the host\n');
  });

  test('shows a container with its port as soon as it runs, its traffic, and what it prints', async () => {
    await view('Containers');
    const script = 'n=0; while n=$((n+1)); do echo "line $n"; echo hello | nc -l -p 80; sleep 1; done';
    await instance.docker(['run', '-d', '--name', 'web', '-p', '8080:80', BUSYBOX, 'sh', '-c', script]);
    const ports = page.getByRole('table', { name: 'Published ports' });
    await ports.getByText('web:80').first().waitFor();
    await page.getByRole('link', { name: 'output of web' }).click();
    await page.getByText('line 1', { exact: false }).first().waitFor();
    const fetch = 'echo | timeout 20 busybox nc 127.0.0.1 8080';
    await run('ip', ['netns', 'exec', instance.namespace, 'sh', '-c', fetch], {
      acceptExitCodes: [0, 1, 143],
    });
    await page.getByText('line 2', { exact: false }).first().waitFor();
    await ports.getByText('6 B').first().waitFor();
    await instance.docker(['kill', 'web']);
    await page.getByText('No container publishes a port.').waitFor();
    await page.getByText('the container has ended').waitFor();
    await instance.docker(['rm', 'web']);
  });

  test('follows the console, and finds words in it', async () => {
    await view('Console');
    await page
      .getByText(/Linux version|mobyvm/)
      .first()
      .waitFor();
    const say = 'echo seen by the dashboard >/dev/console';
    await instance.docker(['run', '--rm', '--privileged', '-v', '/dev:/dev', BUSYBOX, 'sh', '-c', say]);
    await page.getByText('seen by the dashboard').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('seen by');
    await page.locator('mark').getByText('seen by').first().waitFor();
  });

  test('sets an item that the VM gets, and removes it', async () => {
    await view('Items');
    await page.getByLabel('Name', { exact: true }).fill('greeting');
    await page.getByLabel('Value', { exact: true }).fill('hello');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByText('greeting is set.').waitFor();
    const { stdout } = await instance.mobyvm(['kvp', 'list', '--json']);
    expect(stdout).toContain('greeting');
    await page
      .getByRole('row', { name: /^greeting/ })
      .getByRole('button', { name: 'Remove' })
      .click();
    await page.getByRole('button', { name: 'Remove the item' }).click();
    await page.getByRole('row', { name: /^greeting/ }).waitFor({ state: 'detached' });
  });

  test('refuses a wrong setting at its field, and keeps the file', async () => {
    const file = join(instance.directory, 'settings.json');
    const before = await readFile(file, 'utf8');
    await view('Settings');
    await page.getByLabel('vm.cpus').fill('99');
    await page.getByRole('button', { name: 'Save', exact: true }).last().click();
    await page.locator('.field.wrong').getByText('vm.cpus: ').waitFor();
    expect(await readFile(file, 'utf8')).toBe(before);
  });

  test('says that the daemon is lost, shows nothing as live, and comes back with the next daemon', async () => {
    await view('Overview');
    process.kill(await instance.daemonPid(), 'SIGKILL');
    await page.getByText('The daemon does not answer').waitFor();
    await page.getByText(/^as of /).waitFor();
    expect(await page.getByRole('button', { name: 'Shut down' }).count()).toBe(0);
    expect(await page.title()).toContain('not connected');
    await instance.up();
    await page.getByText('running', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Shut down' }).waitFor();
    expect(await page.getByText('The daemon does not answer').count()).toBe(0);
    await view('Shares');
    await page.getByRole('listitem').filter({ hasText: folder }).getByText('healthy').waitFor();
  });

  test('has no serious fault for axe in any view', async () => {
    const faults: string[] = [];
    for (const link of await page.getByRole('navigation').getByRole('link').all()) {
      const name = (await link.textContent()) ?? '';
      await view(name);
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate<AxeResults>('axe.run()');
      for (const { id, impact, nodes } of violations)
        if (impact === 'serious' || impact === 'critical')
          faults.push(`${name}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    }
    expect(faults).toEqual([]);
  });

  test('unticks the share, and nothing of it is deleted', async () => {
    await view('Shares');
    await page.getByRole('checkbox', { name: folder }).click();
    await page.getByRole('button', { name: 'Stop sharing C' }).click();
    await page.getByRole('checkbox', { name: folder }).waitFor({ state: 'detached' });
    expect(await readFile(join(folder, 'site/index.html'), 'utf8')).toBe('hello from the host\n');
  });
});
