import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../src/core/host/index.js';
import { runScript } from '../support/wine/product.js';

test('the bundle for Windows can create certificates', async () => {
  const outdir = await mkdtemp(join(tmpdir(), 'mobyvm-bundle-'));
  try {
    await runScript('bundle-windows.mjs', 'bundleForWindows', {
      outdir,
      entries: ['test/support/wine/product/create-authority.ts'],
    });
    const { stdout } = await run(process.execPath, [join(outdir, 'create-authority.js')]);
    expect(stdout).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
});
