import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { run } from '../../src/core/host/index.js';
import { SERVICE_SETTINGS } from '../../src/daemon/windows/service-control.js';
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

test('the same sources give the same files', async () => {
  const contentOf = async (name: string): Promise<Record<string, string>> => {
    const stage = join(folder, name);
    const files = z
      .array(z.string())
      .parse(await runScript('windows-stage.mjs', 'stageForWindows', { stage }));
    const hashes = files.map(async (file) => {
      const content = await readFile(join(stage, file));
      return [file, createHash('sha256').update(content).digest('hex')] as const;
    });
    return Object.fromEntries(await Promise.all(hashes));
  };
  const first = await contentOf('first');
  expect(Object.keys(first)).toContain('lib/main.js');
  expect(await contentOf('second')).toEqual(first);
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

test('an installer puts folders into folders, and the PowerShell module where PowerShell finds it', async () => {
  const stage = join(folder, 'stage');
  const files = ['modules/MobyVm/MobyVm.psd1', 'modules/MobyVm/Public/Get-MobyVmLog.ps1', 'node.exe'];
  await mkdir(join(stage, 'modules/MobyVm/Public'), { recursive: true });
  for (const name of files) await writeFile(join(stage, name), name);
  const output = join(folder, 'test.msi');
  await runScript('windows-msi.mjs', 'buildMsi', { stage, files, version: '1.0.0', output });
  const rowsOf = async (table: string): Promise<readonly (readonly string[])[]> =>
    (await run('msiinfo', ['export', output, table])).stdout
      .trim()
      .split(/\r?\n/)
      .slice(3)
      .map((line) => line.split('\t'));
  const folders = new Map(
    (await rowsOf('Directory')).map(([id = '', parent = '', name = '']) => [id, { parent, name }]),
  );
  const pathOf = (id: string): string => {
    const { parent, name } = folders.get(id) ?? { parent: '', name: '' };
    return id === 'INSTALLDIR' ? '' : `${pathOf(parent)}${name}/`;
  };
  const components = new Map(
    (await rowsOf('Component')).map(([id = '', , place = '']) => [id, pathOf(place)]),
  );
  const installed = (await rowsOf('File')).map(
    ([, component = '', name = '']) => `${components.get(component)}${name.split('|').at(-1)}`,
  );
  expect(installed.sort()).toEqual(files);
  expect((await rowsOf('Environment')).map(([, name, value]) => [name, value])).toContainEqual([
    '=-*PSModulePath',
    '[~];[INSTALLDIR]modules',
  ]);
});

/** An installer of one file. @returns the rows of its tables */
async function smallInstaller(): Promise<(table: string) => Promise<readonly (readonly string[])[]>> {
  const stage = join(folder, 'stage');
  await mkdir(stage);
  await writeFile(join(stage, 'node.exe'), 'MZ');
  const output = join(folder, 'test.msi');
  await runScript('windows-msi.mjs', 'buildMsi', {
    stage,
    files: ['node.exe'],
    version: '1.0.0',
    output,
  });
  return async (table) =>
    (await run('msiinfo', ['export', output, table])).stdout
      .trim()
      .split('\r\n')
      .slice(3)
      .map((line) => line.split('\t'));
}

test('removing the installed product removes the VM first, its data on request, and nothing for a newer version', async () => {
  const rows = await smallInstaller();
  const actions = await rows('CustomAction');
  const commandOf = (action: string): string | undefined => actions.find(([name]) => name === action)?.[3];
  expect(commandOf('RemoveMachine')).toMatch(/ uninstall --keep-data$/);
  expect(commandOf('RemoveMachineAndData')).toMatch(/ uninstall --yes$/);
  const sequence = new Map((await rows('InstallExecuteSequence')).map(([name, ...rest]) => [name, rest]));
  const [condition, at] = sequence.get('RemoveMachine') ?? [];
  expect(condition).toBe('REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE AND NOT REMOVEDATA');
  expect(sequence.get('RemoveMachineAndData')?.[0]).toBe(
    'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE AND REMOVEDATA',
  );
  expect(Number(at)).toBeLessThan(Number(sequence.get('StopServices')?.[1]));
  expect(Number(at)).toBeGreaterThan(Number(sequence.get('InstallInitialize')?.[1]));
});

test('the installer sets up what the command sets up for the service: restarts after a crash, and time to save the VM', async () => {
  const rows = await smallInstaller();
  const { preshutdownMs, restartDelaysMs } = SERVICE_SETTINGS;
  // ConfigType: https://learn.microsoft.com/windows/win32/msi/msiserviceconfig-table
  expect((await rows('MsiServiceConfig')).map((row) => row.slice(1, 5))).toEqual([
    ['mobyvm', '1', '4', '1'],
    ['mobyvm', '1', '7', String(preshutdownMs)],
  ]);
  const [failure = []] = await rows('MsiServiceConfigFailureActions');
  expect(failure.slice(6, 8)).toEqual([
    [...restartDelaysMs.map(() => 1), 0].join('[~]'),
    [...restartDelaysMs, 0].join('[~]'),
  ]);
  const sequence = new Map((await rows('InstallExecuteSequence')).map(([name, , at]) => [name, Number(at)]));
  // Inside the transaction, so that Windows restores the old version if the new one cannot be installed.
  const removal = sequence.get('RemoveExistingProducts') ?? 0;
  expect(removal).toBeGreaterThan(sequence.get('InstallInitialize') ?? Infinity);
  expect(removal).toBeLessThan(sequence.get('InstallFiles') ?? 0);
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

test('the list of parts names each package once, and depends on them alone', async () => {
  const schema = z.object({
    bomFormat: z.literal('CycloneDX'),
    serialNumber: z.string().regex(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    components: z.array(
      z.looseObject({ name: z.string(), version: z.string(), purl: z.string().optional() }),
    ),
  });
  const packages = [
    { name: '@peculiar/x509', version: '2.2.0', license: 'MIT' },
    { name: 'both', version: '1.0.0', license: '(MIT OR Apache-2.0)' },
  ];
  const sha256 = 'a'.repeat(64);
  const image = {
    recipe: 'debian',
    files: { 'mobyvm.iso': { sha256 } },
    packages: { acpid: '1:2.0.34-1' },
    sources: { acpid: 'acpid 1:2.0.34-1' },
  };
  const bill = (version: string): Promise<unknown> =>
    runScript('windows-sbom.mjs', 'softwareBill', { version, node: '24.21.0', packages, image });
  const text = z.string().parse(await bill('1.0.0'));
  const { components, serialNumber } = schema.parse(JSON.parse(text));
  expect(components.map(({ name, purl }) => purl ?? name)).toEqual([
    'pkg:generic/node@24.21.0',
    'pkg:npm/%40peculiar/x509@2.2.0',
    'pkg:npm/both@1.0.0',
    'mobyvm boot image (debian)',
  ]);
  expect(text).toContain('pkg:deb/debian/acpid@1%3A2.0.34-1');
  expect(text).toContain('"value": "acpid 1:2.0.34-1"');
  expect(await bill('1.0.0')).toBe(text);
  expect(z.string().parse(await bill('1.0.1'))).not.toContain(serialNumber);
});

test('the descriptions for WinGet and Scoop name the published files with their SHA-256', async () => {
  const [zip, msi] = ['zip', 'msi'].map((end) => ({ name: `mobyvm.${end}`, sha256: end.repeat(21) + 'f' }));
  const texts = z.record(z.string(), z.string()).parse(
    await runScript('windows-manifests.mjs', 'packageManifests', {
      ...{ version: '1.2.3', url: 'https://example.org/1.2.3', zip, msi },
      productCode: 'B6BA3811-5A44-8821-A02B-CB3D3A85CF5B',
    }),
  );
  expect(Object.keys(texts)).toHaveLength(4);
  expect(texts['winget/mobyvm.mobyvm.installer.yaml']).toContain(
    'InstallerUrl: https://example.org/1.2.3/mobyvm.msi',
  );
  expect(JSON.parse(texts['scoop/mobyvm.json'] ?? '')).toMatchObject({
    version: '1.2.3',
    architecture: { '64bit': { url: 'https://example.org/1.2.3/mobyvm.zip', hash: zip?.sha256 } },
  });
});

test('an installer is signed with the key that was given, and any change breaks the signature', async () => {
  const stage = join(folder, 'stage');
  await mkdir(stage);
  await writeFile(join(stage, 'node.exe'), 'MZ');
  const [msi, certificate, key] = ['signed.msi', 'certificate.pem', 'key.pem'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const files = ['node.exe'];
  await runScript('windows-msi.mjs', 'buildMsi', { stage, files, version: '1.0.0', output: msi });
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=mobyvm test'],
    ...['-addext', 'extendedKeyUsage=codeSigning', '-keyout', key, '-out', certificate],
  ]);
  await runScript('windows-signature.mjs', 'signForWindows', { file: msi, certificate, key });
  const verify = () =>
    run('osslsigncode', ['verify', '-CAfile', certificate, '-in', msi], { acceptExitCodes: [0, 1] });
  expect((await verify()).stdout).toContain('CN=mobyvm test');
  expect((await verify()).exitCode).toBe(0);
  const content = await readFile(msi);
  // In the cabinet of its files.
  const at = content.indexOf('MSCF') + 8;
  content.writeUInt8(content.readUInt8(at) ^ 1, at);
  await writeFile(msi, content);
  expect((await verify()).exitCode).toBe(1);
});
