// Bundles the dashboard's page: one script and one style sheet, without anything from elsewhere.
import { build } from 'esbuild';
import { copyFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const SOURCE = join(ROOT, 'src/dashboard');

/** Writes `index.html`, `app.js`, `app.css` and `icon.svg` to `outdir`. @returns the files that they are made of */
export async function bundleDashboard(outdir) {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: ['main.tsx', 'app.css'].map((name) => ({ in: join(SOURCE, name), out: 'app' })),
    outdir,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    charset: 'utf8',
    legalComments: 'none',
    minify: true,
    logLevel: 'warning',
    metafile: true,
  });
  for (const name of ['index.html', 'icon.svg']) await copyFile(join(SOURCE, name), join(outdir, name));
  return { inputs: Object.keys(result.metafile.inputs) };
}
