// See scripts/package-windows.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packageManifests } from './windows-manifests.mjs';
import { buildMsi, productCodeOf } from './windows-msi.mjs';
import { signForWindows } from './windows-signature.mjs';
import { stageForWindows } from './windows-stage.mjs';
import { zipFile } from './zip-file.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const USAGE = `Usage: scripts/package-windows [--output DIR] [--image DIR | --no-image] [--no-msi]
                               [--url URL] [--sign-certificate FILE --sign-key FILE [--timestamp URL]]

Builds mobyvm-VERSION-windows-x64.zip and .msi, and SHA256SUMS, in DIR. The same sources give the same zip file.
The packages contain sbom.cdx.json, a list of their parts (CycloneDX).

  --output DIR   output folder (default: build/windows)
  --image DIR    folder of the boot image (default: build/guest/debian)
  --no-image     leave the boot image out
  --no-msi       build the zip file only
  --url URL      where the files will be published: writes descriptions for WinGet and Scoop to DIR/winget and DIR/scoop
  --sign-certificate FILE, --sign-key FILE
                 sign the MSI (PEM files, by osslsigncode); without them it is not signed
  --timestamp URL
                 time stamp server (RFC 3161) for the signature
  --help         this text
`;

const options = readOptions({
  options: {
    output: { type: 'string', default: join(ROOT, 'build/windows') },
    image: { type: 'string', default: join(ROOT, 'build/guest/debian') },
    'no-image': { type: 'boolean', default: false },
    'no-msi': { type: 'boolean', default: false },
    url: { type: 'string' },
    'sign-certificate': { type: 'string' },
    'sign-key': { type: 'string' },
    timestamp: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const { 'sign-certificate': certificate, 'sign-key': key, timestamp: timestampUrl } = options;
if (options.url !== undefined && (options['no-msi'] || !/^https:\/\/[^\s'"]+$/.test(options.url)))
  refuse('--url takes an address that begins with https://, and needs the MSI');
if ((certificate === undefined) !== (key === undefined) || (key !== undefined && options['no-msi']))
  refuse('--sign-certificate and --sign-key go together, and sign the MSI');
if (timestampUrl !== undefined && key === undefined) refuse('--timestamp needs --sign-key');
const imageDir = options['no-image'] ? undefined : resolve(options.image);
// One that an earlier version built has no licence texts.
const missing = ['mobyvm.iso', 'manifest.json', 'licenses.tar.gz'].find(
  (name) => imageDir !== undefined && !existsSync(join(imageDir, name)),
);
if (missing !== undefined) {
  process.stderr.write(
    `package-windows: ${imageDir} has no ${missing} of a boot image\n  → scripts/build-guest, or --no-image\n`,
  );
  process.exit(1);
}

const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
const output = resolve(options.output);
const name = `mobyvm-${version}-windows-x64`;
const stage = join(output, 'stage');
await mkdir(output, { recursive: true });
const files = await stageForWindows({ stage, imageDir });

const zip = zipFile(
  await Promise.all(
    files.map(async (path) => ({ name: `mobyvm/${path}`, content: await readFile(join(stage, path)) })),
  ),
);
await writeFile(join(output, `${name}.zip`), zip);
const built = [`${name}.zip`];
if (!options['no-msi']) {
  const msi = join(output, `${name}.msi`);
  await buildMsi({ stage, files, version, output: msi });
  if (key !== undefined) await signForWindows({ file: msi, certificate, key, timestampUrl });
  built.push(`${name}.msi`);
}
const sums = new Map();
for (const file of built) {
  const content = await readFile(join(output, file));
  sums.set(file, createHash('sha256').update(content).digest('hex'));
}
await writeFile(join(output, 'SHA256SUMS'), [...sums].map(([file, hash]) => `${hash}  ${file}\n`).join(''));
if (options.url !== undefined) {
  const published = (file) => ({ name: file, sha256: sums.get(file) });
  const texts = packageManifests({
    version,
    url: options.url.replace(/\/+$/, ''),
    zip: published(`${name}.zip`),
    msi: published(`${name}.msi`),
    productCode: productCodeOf(version),
  });
  for (const [path, text] of Object.entries(texts)) {
    await mkdir(dirname(join(output, path)), { recursive: true });
    await writeFile(join(output, path), text);
  }
}

const sizes = new Map();
for (const path of files) {
  const part = path.startsWith('lib/') && !path.endsWith('.node') ? 'program' : (path.split('/')[0] ?? path);
  sizes.set(part, (sizes.get(part) ?? 0) + (await stat(join(stage, path))).size);
}
for (const [part, bytes] of [...sizes].sort((a, b) => b[1] - a[1]))
  process.stdout.write(`${mebibytes(bytes)}  ${part === 'lib' ? 'koffi.node' : part}\n`);
for (const file of built)
  process.stdout.write(`${mebibytes((await stat(join(output, file))).size)}  ${join(output, file)}\n`);
await rm(stage, { recursive: true });

function mebibytes(bytes) {
  return `${(bytes / 1024 ** 2).toFixed(1).padStart(7)} MiB`;
}

function refuse(problem) {
  process.stderr.write(`package-windows: ${problem}\n  → scripts/package-windows --help\n`);
  process.exit(2);
}

function readOptions(definitions) {
  try {
    return parseArgs(definitions).values;
  } catch (error) {
    return refuse(error.message);
  }
}
