import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run } from '../../../src/core/host/index.js';

const ROOT = resolve(import.meta.dirname, '../../..');
/** With entries that stand in for what mobyvm still lacks on Windows; see test/support/wine/product. */
const ENTRIES = ['test/support/wine/product/main.ts', 'test/support/wine/product/service.ts'];

export interface ProductOptions {
  /** Of the folder below `build`; files that may run at the same time have one each. */
  readonly name?: string;
  /** Folder of the boot image; without it the product has none. */
  readonly imageDir?: string;
}

/** What its package for Windows has, in `Z:\project\build\NAME\stage`. @returns that folder */
export async function stageProduct(options: ProductOptions = {}): Promise<string> {
  const folder = folderOf(options);
  const stage = join(folder, 'stage');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const { imageDir } = options;
  const sourcemap = process.env['MOBYVM_TEST_COVERAGE'] !== undefined;
  await runScript('windows-stage.mjs', 'stageForWindows', { stage, imageDir, entries: ENTRIES, sourcemap });
  return stage;
}

/** `mobyvm-VERSION.msi` in `Z:\project\build\NAME`; their programs differ in `release.txt`. */
export async function buildInstallers(
  versions: readonly string[],
  options: ProductOptions = {},
): Promise<void> {
  const stage = await stageProduct(options);
  for (const version of versions) {
    await writeFile(join(stage, 'release.txt'), version);
    const output = join(folderOf(options), `mobyvm-${version}.msi`);
    const files = await runScript('windows-stage.mjs', 'filesBelow', stage);
    await runScript('windows-msi.mjs', 'buildMsi', { stage, files, version, output });
  }
}

function folderOf({ name = 'windows-product' }: ProductOptions): string {
  return join(ROOT, 'build', name);
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
