import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run, silentLogger } from '../../src/core/host/index.js';
import { controlApi } from '../../src/daemon/control/control-api.js';
import { Dashboard } from '../../src/daemon/dashboard/dashboard.js';
import { loadPages } from '../../src/daemon/dashboard/pages.js';
import { settingsSchema } from '../../src/daemon/settings/schema.js';
import { SettingsFile } from '../../src/daemon/settings/settings-file.js';
import type { Shares } from '../../src/share/index.js';
import { hasBrowser, startBrowser } from '../support/browser.js';
import { apiOptions } from '../support/control-server.js';
import { sampleOptions, sampleShares } from '../support/dashboard-sample.js';

/** Where to write pictures of every view, for a person to look at. */
const PICTURES = process.env['MOBYVM_TEST_PICTURES'];
/** Where to write those that the documents show (`npm run docs:screenshots`). */
const SCREENSHOTS = process.env['MOBYVM_WRITE_SCREENSHOTS'];
/** So that charts have something to show. */
const PAST_MS = PICTURES === undefined && SCREENSHOTS === undefined ? 0 : 60_000;

/** Every view of a machine in use: many values, long names, a share and a port that fail. */
describe.runIf(hasBrowser)('the dashboard of a machine in use', () => {
  let bundle = '';
  let browser: Browser;
  let folder = '';
  let shares: Shares;
  let dashboard: Dashboard;
  let page: Page;
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
    shares = await sampleShares(join(folder, 'shares.json'));
    const options = apiOptions({
      ...sampleOptions(),
      shares,
      settings: new SettingsFile({ path: join(folder, 'settings.json'), platform: 'linux' }),
      shareOffers: () =>
        Promise.resolve({ hasDrives: false, offers: [{ name: '/home/ann', hostPath: '/home/ann' }] }),
    });
    dashboard = new Dashboard({
      api: controlApi(options),
      logger: silentLogger,
      path: join(folder, 'dashboard.json'),
      pages: () => loadPages(bundle),
      settings: () => settingsSchema.parse({}).dashboard,
    });
    page = await browser.newPage();
    page.setDefaultTimeout(60_000);
  });
  afterEach(async () => {
    await page.close();
    await dashboard.close();
    shares.vmLost();
    await rm(folder, { recursive: true });
  });

  async function open(): Promise<void> {
    const { url, token } = await dashboard.open();
    await page.goto(`${url}#token=${token}`);
    await page.getByText('running', { exact: true }).first().waitFor();
    await page.getByRole('img', { name: /^Processor/ }).waitFor();
    await new Promise((resolve) => setTimeout(resolve, PAST_MS));
  }

  /** Calls back in each view; that of containers with the output of one. */
  async function inEachView(look: (name: string) => Promise<void>): Promise<void> {
    for (const link of await page.getByRole('navigation').getByRole('link').all()) {
      await link.click();
      const name = (await link.textContent()) ?? '';
      await page.getByRole('heading', { level: 1, name }).waitFor();
      if (name === 'Containers') {
        await page.getByRole('link', { name: 'output of api' }).click();
        await page.getByText('GET /cart/12').waitFor();
      }
      await look(name);
    }
  }

  test.each([
    [360, 'light'],
    [768, 'dark'],
    [1440, 'light'],
    [1440, 'dark'],
  ] as const)(
    'fits %i pixels and has no serious fault for axe, in %s colours',
    async (width, colorScheme) => {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await open();
      const faults: string[] = [];
      await inEachView(async (name) => {
        const used = await page.evaluate<number>('document.documentElement.scrollWidth');
        if (used > width) faults.push(`${name}: ${used} pixels wide`);
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate<AxeResults>('axe.run()');
        for (const { id, impact, nodes } of violations)
          if (impact === 'serious' || impact === 'critical')
            faults.push(`${name}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
        if (PICTURES === undefined) return;
        await mkdir(PICTURES, { recursive: true });
        const file = `${name.toLowerCase()}-${width}-${colorScheme}.png`;
        await page.screenshot({ path: join(PICTURES, file), fullPage: true });
      });
      expect(faults).toEqual([]);
    },
  );

  test.runIf(SCREENSHOTS !== undefined).each([
    ['light', 1280, 'light'],
    ['dark', 1280, 'dark'],
    ['narrow', 360, 'light'],
  ] as const)('is shown in documents: %s', async (name, width, colorScheme) => {
    await page.setViewportSize({ width, height: width === 360 ? 780 : 860 });
    await page.emulateMedia({ colorScheme });
    await open();
    await page.screenshot({ path: join(SCREENSHOTS ?? '', `${name}.png`) });
  });
});
