import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run } from '../../../src/core/host/index.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const FOLDER = join(ROOT, 'build/windows-product');
const STAGE = join(FOLDER, 'stage');

/** With entries that stand in for what mobyvm still lacks on Windows; see test/support/wine/product. */
const ENTRIES = ['test/support/wine/product/main.ts', 'test/support/wine/product/service.ts'];

/** What its package for Windows has, without an image, in `Z:\project\build\windows-product\stage`. */
export async function stageProduct(): Promise<void> {
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  const sourcemap = process.env['MOBYVM_TEST_COVERAGE'] !== undefined;
  await runScript('windows-stage.mjs', 'stageForWindows', { stage: STAGE, entries: ENTRIES, sourcemap });
}

/** `mobyvm-VERSION.msi` in `Z:\project\build\windows-product`; their programs differ in `release.txt`. */
export async function buildInstallers(versions: readonly string[]): Promise<void> {
  await stageProduct();
  for (const version of versions) {
    await writeFile(join(STAGE, 'release.txt'), version);
    const output = join(FOLDER, `mobyvm-${version}.msi`);
    const files = await runScript('windows-stage.mjs', 'filesBelow', STAGE);
    await runScript('windows-msi.mjs', 'buildMsi', { stage: STAGE, files, version, output });
  }
}

/** Calls a function of the packaging scripts, which are not TypeScript. */
export async function runScript(file: string, name: string, argument: unknown): Promise<unknown> {
  const module = JSON.stringify(join(ROOT, 'scripts/lib', file));
  const script = `import { ${name} } from ${module};
    process.stdout.write(JSON.stringify((await ${name}(${JSON.stringify(argument)})) ?? null));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    timeoutMs: 300_000,
  });
  return JSON.parse(stdout);
}
