import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { run } from '../../src/core/host/index.js';
import { runScript } from '../support/wine/product.js';

const ROOT = resolve(import.meta.dirname, '../..');
const FILES = { 'lib/main.js': 'main', 'lib/täst & co.js': 'x'.repeat(100_000), 'node.exe': 'MZ' };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-package-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a zip file is readable elsewhere, and depends on its files alone', async () => {
  const zip = join(folder, 'test.zip');
  const write = async (): Promise<Buffer> => {
    const script = `import { writeFileSync } from 'node:fs';
      import { zipFile } from ${JSON.stringify(join(ROOT, 'scripts/lib/zip-file.mjs'))};
      const entries = Object.entries(${JSON.stringify(FILES)});
      writeFileSync(${JSON.stringify(zip)}, zipFile(entries.map(([name, text]) => ({ name, content: Buffer.from(text) }))));`;
    await run(process.execPath, ['--input-type=module', '-e', script]);
    return readFile(zip);
  };
  const first = await write();
  expect((await write()).equals(first)).toBe(true);
  const read = `import json, zipfile
z = zipfile.ZipFile(${JSON.stringify(zip)})
print(json.dumps({name: z.read(name).decode() for name in z.namelist()}))`;
  const { stdout } = await run('python3', ['-c', read]);
  expect(JSON.parse(stdout)).toEqual(FILES);
});

test('an installer depends on its files and its version alone', async () => {
  const stage = join(folder, 'stage');
  await mkdir(join(stage, 'lib'), { recursive: true });
  const files = ['lib/main.js', 'node.exe'] as const;
  const build = async (version: string): Promise<Buffer> => {
    for (const name of files) await writeFile(join(stage, name), FILES[name]);
    const output = join(folder, 'test.msi');
    await runScript('windows-msi.mjs', 'buildMsi', { stage, files, version, output });
    return readFile(output);
  };
  const first = await build('1.0.0');
  // Windows Installer's times have steps of a second and more.
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  expect((await build('1.0.0')).equals(first)).toBe(true);
  expect((await build('1.0.1')).equals(first)).toBe(false);
});

test('the package has the same Node.js as the one that the tests run in', async () => {
  const schema = z.object({ node: z.object({ version: z.string(), integrity: z.string() }) });
  const { node } = schema.parse(
    JSON.parse(await readFile(join(ROOT, 'scripts/lib/windows-parts.json'), 'utf8')),
  );
  const prepare = await readFile(join(ROOT, 'test/support/wine/prepare'), 'utf8');
  expect(prepare).toContain(`NODE_VERSION=${node.version}\n`);
  const sha512 = Buffer.from(node.integrity.replace('sha512-', ''), 'base64').toString('hex');
  expect(prepare).toContain(`NODE_SHA512=${sha512}\n`);
});
