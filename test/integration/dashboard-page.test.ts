import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run, silentLogger } from '../../src/core/host/index.js';
import { MobyvmError } from '../../src/core/values/index.js';
import { controlApi } from '../../src/daemon/control/control-api.js';
import { Dashboard } from '../../src/daemon/dashboard/dashboard.js';
import { loadPages } from '../../src/daemon/dashboard/pages.js';
import { reportPage } from '../../src/daemon/diagnose/report-page.plan.js';
import { report } from '../../src/daemon/diagnose/report.plan.js';
import { RecentRecords } from '../../src/daemon/recent-records.js';
import { settingsSchema } from '../../src/daemon/settings/schema.js';
import { SettingsFile } from '../../src/daemon/settings/settings-file.js';
import type { ShareOffers } from '../../src/protocol/share-messages.js';
import { apiOptions } from '../support/control-server.js';
import { hasBrowser, startBrowser } from '../support/browser.js';
import { machineWith } from '../support/fake-machine.js';
import { FakeShareWorld, sharesOf } from '../support/share-fake.js';

/** Where to put pictures of the page, for a person to look at. */
const PICTURES = process.env['MOBYVM_TEST_PICTURES'];

let bundle = '';
let browser: Browser;
let folder = '';
let recent: RecentRecords;
let made: ReturnType<typeof machineWith>;
let dashboard: Dashboard;
let offers: ShareOffers['offers'] = [];
let page: Page;
const complaints: string[] = [];

/** What a daemon opens, with a fake machine behind it. */
function daemon(): Dashboard {
  const options = apiOptions({
    machine: made.machine,
    recent,
    shares: sharesOf(new FakeShareWorld(), join(folder, 'shares.json')),
    settings: new SettingsFile({ path: join(folder, 'settings.json'), platform: 'linux' }),
    shareOffers: () => Promise.resolve({ hasDrives: false, offers }),
    examineHost: () =>
      Promise.resolve([
        { id: 'a', title: 'Software emulation', verdict: 'fine', detail: 'QEMU 7.2' },
        { id: 'b', title: 'Free memory', verdict: 'problem', detail: '300 MiB', remedy: 'Free some.' },
      ]),
  });
  return new Dashboard({
    api: controlApi(options),
    logger: silentLogger,
    path: join(folder, 'dashboard.json'),
    pages: () => loadPages(bundle),
    settings: () => settingsSchema.parse({}).dashboard,
  });
}

async function open(path = ''): Promise<void> {
  const { url, token } = await dashboard.open();
  await page.goto(`${url}#token=${token}`);
  await page
    .getByText(/^(absent|stopped|running|failed)$/)
    .first()
    .waitFor();
  if (path !== '') await page.getByRole('link', { name: path }).click();
}

/** Moves the focus as a person without a mouse does. */
async function tabTo(target: Locator): Promise<void> {
  const focused = target.and(page.locator(':focus'));
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    if ((await focused.count()) > 0) return;
  }
  throw new Error(`The Tab key does not lead to ${String(target)}.`);
}

async function picture(name: string): Promise<void> {
  if (PICTURES === undefined) return;
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

describe.runIf(hasBrowser)('the dashboard', () => {
  beforeAll(async () => {
    bundle = await mkdtemp(join(tmpdir(), 'mobyvm-page-'));
    await run(process.execPath, ['scripts/bundle-dashboard.mjs', bundle], { timeoutMs: 120_000 });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await rm(bundle, { recursive: true });
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mobyvm-dashboard-'));
    recent = new RecentRecords();
    made = machineWith();
    dashboard = daemon();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(60_000);
    complaints.length = 0;
    offers = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) complaints.push(message.text());
    });
  });
  afterEach(async () => {
    await page.close();
    await dashboard.close();
    await rm(folder, { recursive: true });
    expect(complaints).toEqual([]);
  });

  test('keeps the token out of the address, and shows the start of the VM step by step', async () => {
    await open();
    expect(page.url()).not.toContain('token');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('running', { exact: true }).first().waitFor();
    await page.getByText('Last start').waitFor();
    await page.getByText('answers', { exact: true }).waitFor();
    await picture('overview');
  });

  test('shows why a start failed, and what to do', async () => {
    made.network.broken = new MobyvmError('MOBYVM_SUBNET_IN_USE', 'The subnet is taken.', 'Choose another.');
    await open();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('failed', { exact: true }).waitFor();
    await page.getByText('The subnet is taken.').first().waitFor();
    await page.getByText('Choose another.').first().waitFor();
    await picture('failed');
  });

  test('never shows old state as present, and connects again by itself with the next token', async () => {
    await open();
    await page.locator('header .state').getByText('absent').waitFor();
    await dashboard.close();
    await page.getByText('The daemon does not answer').waitFor();
    expect(await page.locator('header .state').getByText('absent').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Start' }).count()).toBe(0);
    await page.getByText(/^as of /).waitFor();
    expect(await page.title()).toContain('not connected');
    await picture('lost');
    await made.operate('up');
    dashboard = daemon();
    await dashboard.begin();
    await page.getByText('running', { exact: true }).first().waitFor();
    expect(await page.getByText('The daemon does not answer').count()).toBe(0);
  });

  test('says what to run when it has no valid token', async () => {
    const { url } = await dashboard.open();
    await page.goto(url);
    await page.getByText('mobyvm dashboard').waitFor();
    await page.goto(`${url}#token=wrong`);
    await page.getByText('This page has no valid token').waitFor();
  });

  test('adds, checks and removes a share', async () => {
    await open('Shares');
    await page.getByLabel('Full path, or drive letter').fill('C');
    await page.getByLabel('Folder that the letter stands for').fill(folder);
    await page.getByRole('button', { name: 'Share', exact: true }).click();
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByLabel('Result of the check').waitFor();
    await picture('shares');
    await page.getByRole('checkbox', { name: 'C', exact: false }).first().click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Check C' }).waitFor();
    await page.getByRole('checkbox', { name: 'C', exact: false }).first().click();
    await page.getByRole('button', { name: 'Stop sharing C' }).click();
    await page.getByText('Nothing is shared yet.').waitFor();
  });

  test('shares what the host offers when it is ticked, and says why that fails', async () => {
    offers = [{ name: folder, hostPath: folder }];
    await open('Shares');
    await page.getByRole('checkbox', { name: folder }).click();
    const form = page.getByRole('form', { name: `Share ${folder}` });
    await form.getByLabel('Account').fill('AzureAD\\ann');
    await form.getByRole('button', { name: `Share ${folder}` }).click();
    await form.getByText('Azure AD account').waitFor();
    await form.getByLabel('Account').fill('');
    await form.getByRole('button', { name: `Share ${folder}` }).click();
    await page.getByRole('button', { name: `Check ${folder}` }).waitFor();
    expect(await page.getByRole('checkbox', { name: folder }).isChecked()).toBe(true);
  });

  test('is used by keyboard alone: starts the VM, ticks what could be shared, and cancels', async () => {
    offers = [{ name: folder, hostPath: folder }];
    await open();
    await tabTo(page.getByRole('button', { name: 'Start' }));
    await page.keyboard.press('Enter');
    await page.getByText('running', { exact: true }).first().waitFor();
    await tabTo(page.getByRole('link', { name: 'Shares' }));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Shares' }).waitFor();
    const tick = page.getByRole('checkbox', { name: folder });
    await tick.waitFor();
    await tabTo(tick);
    await page.keyboard.press('Space');
    const form = page.getByRole('form', { name: `Share ${folder}` });
    // From one field to the next, and out again.
    await tabTo(form.getByLabel('Account'));
    await tabTo(form.getByLabel('Its password'));
    await tabTo(form.getByRole('button', { name: 'Cancel' }));
    await page.keyboard.press('Enter');
    await form.waitFor({ state: 'detached' });
    expect(await tick.isChecked()).toBe(false);
    // What asks is answered by keyboard as well.
    await tabTo(page.getByRole('button', { name: 'Shut down' }));
    await page.keyboard.press('Enter');
    await page.getByText('All containers are stopped.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('All containers are stopped.').waitFor({ state: 'detached' });
    expect(made.machine.state).toBe('running');
  });

  test('sets an item, never shows a secret again, and asks before it removes one', async () => {
    await open('Items');
    const set = async (name: string, value: string): Promise<void> => {
      await page.getByLabel('Name', { exact: true }).fill(name);
      await page.getByLabel('Value', { exact: true }).fill(value);
      await page.getByRole('button', { name: 'Set', exact: true }).click();
      await page.getByText(`${name} is`).waitFor();
    };
    await set('greeting', 'hello');
    await page.getByRole('cell', { name: 'hello' }).waitFor();
    await page.getByLabel('Secret').check();
    await set('key', 'hunter2');
    await page.getByRole('row', { name: /^key secret/ }).waitFor();
    expect(await page.content()).not.toContain('hunter2');
    await page
      .getByRole('row', { name: /^greeting/ })
      .getByRole('button', { name: 'Remove' })
      .click();
    await page.getByRole('button', { name: 'Remove the item' }).click();
    await page.getByRole('cell', { name: 'hello' }).waitFor({ state: 'detached' });
  });

  test('says what becomes of the containers before it shuts the VM down', async () => {
    await made.operate('up');
    await open();
    await page.getByRole('button', { name: 'Shut down' }).click();
    await page.getByText('All containers are stopped.').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(made.machine.state).toBe('running');
    await page.getByRole('button', { name: 'Shut down' }).click();
    await page.getByRole('button', { name: 'Shut down the VM' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor();
  });

  test('offers to save the VM only if the settings do', async () => {
    await writeFile(join(folder, 'settings.json'), '{"machine":{"onDown":"stop"}}');
    await made.operate('up');
    await open();
    await page.getByRole('button', { name: 'Restart' }).waitFor();
    expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0);
    await writeFile(join(folder, 'settings.json'), '{"machine":{"onDown":"save"}}');
    await page.reload();
    await page.getByRole('button', { name: 'Save' }).waitFor();
  });

  test('refuses a wrong setting at its field, and writes a right one', async () => {
    await writeFile(join(folder, 'settings.json'), '{"log":{"level":"debug"}}');
    await open('Settings');
    await page.getByLabel('vm.cpus').fill('99');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.field.wrong').getByText('vm.cpus: ').waitFor();
    await picture('settings');
    await page.getByLabel('vm.cpus').fill('4');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    const written: unknown = JSON.parse(await readFile(join(folder, 'settings.json'), 'utf8'));
    expect(written).toEqual({ log: { level: 'debug' }, vm: { cpus: 4 } });
  });

  test('follows the log and searches it', async () => {
    recent.add('info', 'daemon.started', { pid: 7 });
    await open('Log');
    await page.getByText('daemon.started pid=7').waitFor();
    recent.add('warn', 'dns.server.failed', { server: '192.0.2.1' });
    await page.getByText('dns.server.failed').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('192.0.2');
    await page.locator('mark').getByText('192.0.2').waitFor();
    await page.getByText('1 line', { exact: true }).waitFor();
    await picture('log');
  });

  test('shows the findings of doctor, and saves a diagnosis', async () => {
    await open('Doctor');
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('Free some.').waitFor();
    await picture('doctor');
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Collect' }).click();
    expect((await saved).suggestedFilename()).toBe('mobyvm-diagnosis.zip');
  });

  test.each(['light', 'dark'] as const)('has no serious fault for axe in %s colours', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await made.operate('up');
    await open('Shares');
    await page.getByLabel('Full path, or drive letter').fill('C');
    await page.getByLabel('Folder that the letter stands for').fill(folder);
    await page.getByRole('button', { name: 'Share', exact: true }).click();
    await page.getByRole('button', { name: 'Check' }).waitFor();
    const faults: string[] = [];
    for (const link of await page.getByRole('navigation').getByRole('link').all()) {
      await link.click();
      const name = (await link.textContent()) ?? '';
      await page.getByRole('heading', { level: 1, name }).waitFor();
      // The page's policy admits no script but its own; the browser's tools are not subject to it.
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate<AxeResults>('axe.run()');
      for (const { id, impact, nodes } of violations)
        if (impact === 'serious' || impact === 'critical')
          faults.push(`${name}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    }
    expect(faults).toEqual([]);
  });

  test.each([
    [360, 'light'],
    [360, 'dark'],
    [1440, 'dark'],
  ] as const)('fits %i pixels, in %s colours, in every view', async (width, colorScheme) => {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    await made.operate('up');
    await open();
    for (const link of await page.getByRole('navigation').getByRole('link').all()) {
      await link.click();
      const name = (await link.textContent()) ?? '';
      await page.getByRole('heading', { level: 1, name }).waitFor();
      const used = await page.evaluate<number>('document.documentElement.scrollWidth');
      expect(used, name).toBeLessThanOrEqual(width);
      await picture(`${name.toLowerCase()}-${width}-${colorScheme}`);
    }
  });

  test('the page of a diagnosis fits 360 pixels, with long paths and wide output', async () => {
    await page.setViewportSize({ width: 360, height: 800 });
    // Nowhere in it would a line be broken by itself.
    const path = `C:\\${'folder'.repeat(60)}`;
    const outcome = { group: 'logs', durationMs: 1, reason: '' } as const;
    const reported = [
      {
        ...outcome,
        id: 'text',
        title: path,
        verdict: 'ok',
        evidence: { text: `${'wide '.repeat(200)}\n${path}` },
      },
      { ...outcome, id: 'data', title: 'Data', verdict: 'ok', evidence: { data: { [path]: path } } },
      { ...outcome, id: 'late', title: 'Late', verdict: 'late', reason: path, evidence: undefined },
    ] as const;
    const subject = {
      version: '0.1.0',
      platform: 'linux',
      createdAt: '2026-11-29T08:00:00.000Z',
      durationMs: 2_345,
    };
    const html = reportPage(
      subject,
      reported.map((each) => report(each, { known: [] })),
      [{ title: path, verdict: 'problem', detail: path, remedy: `Delete ${path}` }],
    );
    await page.setContent(html);
    for (const each of await page.locator('summary').all()) await each.click();
    expect(await page.locator('pre:visible').count()).toBe(2);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await picture('diagnosis-360');
  });
});
