// Builds the installer (MSI) of the files in a folder with wixl and msibuild of msitools.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { derivedUuid } from './derived-uuid.mjs';

/** The same for all versions: what Windows recognizes an older one by. */
const UPGRADE_CODE = derivedUuid('upgrade code');
const SERVICE = 'mobyvm';
/** Where an upgrade finds the folder that was chosen for the first version. */
const PRODUCT_KEY = 'SOFTWARE\\mobyvm';
/** As `mobyvm service install` does: src/daemon/windows/service-control.ts. */
const PRESHUTDOWN_MS = 300_000;
const RESTART_DELAYS_MS = [5_000, 30_000];
/** 1980-01-01 in tenths of a microsecond since 1601. */
const FIXED_TIME = 119_600_064_000_000_000n;
const FILE_TIME = new Date('1980-01-02T00:00:00Z');
/**
 * A program in a folder of the installation, run within the transaction, by the account of the installer, whose failure prevents
 * nothing: https://learn.microsoft.com/windows/win32/msi/custom-action-type-34
 */
const REMOVE_MACHINE_TYPE = 34 + 0x400 + 0x800 + 0x40;
const UNINSTALL = '"[INSTALLDIR]node.exe" "[INSTALLDIR]lib\\main.js" uninstall';
/** Not when a newer version takes over. */
const REMOVED = 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE';
/** The VM and all that belongs to it on the host. Nobody can be asked, so its data go only if a property says so. */
const REMOVALS = [
  {
    action: 'RemoveMachine',
    condition: `${REMOVED} AND NOT REMOVEDATA`,
    command: `${UNINSTALL} --keep-data`,
  },
  { action: 'RemoveMachineAndData', condition: `${REMOVED} AND REMOVEDATA`, command: `${UNINSTALL} --yes` },
];
/** Names the properties of the summary: [MS-OLEPS] §3.1.2. */
const SUMMARY_ID = Buffer.from('e0859ff2f94f6810ab9108002b27b3d9', 'hex');
const [CREATED, SAVED, VT_FILETIME] = [12, 13, 0x40];

/** Another one for each version: then Windows upgrades, and does not repair. */
export function productCodeOf(version) {
  return derivedUuid(`product ${version}`);
}

/**
 * @param files names with slashes below `stage`
 * @param version of three numbers
 */
export async function buildMsi({ stage, files, version, output }) {
  const work = await mkdtemp(join(tmpdir(), 'mobyvm-msi-'));
  try {
    const source = join(work, 'mobyvm.wxs');
    await writeFile(source, wxs({ files, version }));
    // The cabinet has their times, in the time zone of the build.
    for (const path of files) await utimes(join(stage, path), FILE_TIME, FILE_TIME);
    // It takes files by relative names only.
    execFileSync('wixl', ['--arch', 'x64', '--output', output, source], {
      cwd: stage,
      env: { ...process.env, TZ: 'UTC' },
    });
    await extend(output, work);
    const package_ = derivedUuid(`package ${await contentOf(stage, files)}`);
    const summary = ['mobyvm', 'mobyvm', 'x64;1033', `{${package_}}`];
    execFileSync('msibuild', [output, '-s', ...summary]);
    await writeFile(output, withFixedTimes(await readFile(output)));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What wixl cannot express, as tables: https://learn.microsoft.com/windows/win32/msi/database-tables */
async function extend(msi, work) {
  const component = idOf('component', 'node.exe');
  const tables = {
    // Added to variables of the machine (*), behind what is there, and removed with the component (-).
    Environment: [
      ['Environment', 'Name', 'Value', 'Component_'],
      ['s72', 'l255', 'L255', 's72'],
      ['path', '=-*PATH', '[~];[INSTALLDIR]', component],
      ['modules', '=-*PSModulePath', '[~];[INSTALLDIR]modules', component],
    ],
    MsiServiceConfig: [
      ['MsiServiceConfig', 'Name', 'Event', 'ConfigType', 'Argument', 'Component_'],
      ['s72', 's255', 'i2', 'i4', 'L0', 's72'],
      ['failures', SERVICE, '1', '4', '1', component],
      ['preshutdown', SERVICE, '1', '7', String(PRESHUTDOWN_MS), component],
    ],
    MsiServiceConfigFailureActions: [
      [
        'MsiServiceConfigFailureActions',
        'Name',
        'Event',
        'ResetPeriod',
        'RebootMessage',
        'Command',
        'Actions',
        'DelayActions',
        'Component_',
      ],
      ['s72', 's255', 'i2', 'I4', 'L255', 'L255', 'L255', 'L255', 's72'],
      [
        'restart',
        SERVICE,
        '1',
        '86400',
        '',
        '',
        [...RESTART_DELAYS_MS.map(() => 1), 0].join('[~]'),
        [...RESTART_DELAYS_MS, 0].join('[~]'),
        component,
      ],
    ],
    CustomAction: [
      ['Action', 'Type', 'Source', 'Target'],
      ['s72', 'i2', 'S72', 'S255'],
      ...REMOVALS.map(({ action, command }) => [action, String(REMOVE_MACHINE_TYPE), 'INSTALLDIR', command]),
    ],
  };
  for (const [table, [columns, types, ...rows]] of Object.entries(tables)) {
    const file = join(work, `${table}.idt`);
    const lines = [columns, types, [table, columns[0]], ...rows];
    await writeFile(file, lines.map((fields) => `${fields.join('\t')}\r\n`).join(''));
    execFileSync('msibuild', [msi, '-i', file]);
  }
  const queries = [
    ['WriteEnvironmentStrings', 5200],
    ['RemoveEnvironmentStrings', 3300],
    ['MsiConfigureServices', 5850],
  ].map(
    ([action, sequence]) =>
      `INSERT INTO \`InstallExecuteSequence\` (\`Action\`,\`Sequence\`) VALUES ('${action}', ${sequence})`,
  );
  // Before the service is stopped (1900).
  queries.push(
    ...REMOVALS.map(
      ({ action, condition }) =>
        `INSERT INTO \`InstallExecuteSequence\` (\`Action\`,\`Condition\`,\`Sequence\`) VALUES ('${action}', '${condition}', 1850)`,
    ),
  );
  // Inside the transaction: if the new version cannot be installed, Windows restores the old one.
  queries.push(
    "UPDATE `InstallExecuteSequence` SET `Sequence` = 1550 WHERE `Action` = 'RemoveExistingProducts'",
  );
  // A text with variables: https://learn.microsoft.com/windows/win32/msi/registry-table
  queries.push(
    "UPDATE `Registry` SET `Value` = '#%%SystemRoot%\\System32\\EventCreate.exe' WHERE `Name` = 'EventMessageFile'",
  );
  execFileSync('msibuild', [msi, ...queries.flatMap((query) => ['-q', query])]);
}

/** The summary has the time of the build, and nothing else in the file has. */
function withFixedTimes(msi) {
  const id = msi.indexOf(SUMMARY_ID);
  // [MS-OLEPS] §2.21: the id and the section's offset follow 28 bytes of head.
  const section = id - 28 + msi.readUInt32LE(id + SUMMARY_ID.length);
  const count = msi.readUInt32LE(section + 4);
  let times = 0;
  for (let entry = section + 8; entry < section + 8 + 8 * count; entry += 8) {
    if (![CREATED, SAVED].includes(msi.readUInt32LE(entry))) continue;
    const property = section + msi.readUInt32LE(entry + 4);
    if (msi.readUInt32LE(property) !== VT_FILETIME) throw new Error('the summary has an unexpected form');
    msi.writeBigUInt64LE(FIXED_TIME, property + 4);
    times += 1;
  }
  if (times !== 2) throw new Error('the summary has no times');
  return msi;
}

function wxs({ files, version }) {
  const components = files.map((path) => idOf('component', path));
  return `<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Id="${productCodeOf(version)}" Name="mobyvm" Language="1033" Version="${version}" Manufacturer="mobyvm" UpgradeCode="${UPGRADE_CODE}">
    <Package InstallerVersion="500" Compressed="yes" InstallScope="perMachine"/>
    <MajorUpgrade DowngradeErrorMessage="A newer version of mobyvm is installed."/>
    <Media Id="1" Cabinet="mobyvm.cab" EmbedCab="yes"/>
    <Property Id="ARPNOMODIFY" Value="1"/>
    <Property Id="REMOVEDATA" Secure="yes"/>
    <Property Id="INSTALLDIR">
      <RegistrySearch Id="folder" Root="HKLM" Key="${PRODUCT_KEY}" Name="InstallDir" Type="raw" Win64="yes"/>
    </Property>
    <Directory Id="TARGETDIR" Name="SourceDir">
      <Directory Id="ProgramFiles64Folder">
        <Directory Id="INSTALLDIR" Name="mobyvm">
${directory('', files)}
        </Directory>
      </Directory>
    </Directory>
    <Feature Id="Main" Level="1">
${components.map((id) => `      <ComponentRef Id="${id}"/>`).join('\n')}
    </Feature>
  </Product>
</Wix>
`;
}

/** @param folder with a slash at its end; the folder of the installation is '' */
function directory(folder, files) {
  const inside = files.filter((path) => path.startsWith(folder));
  const own = inside.filter((path) => !path.slice(folder.length).includes('/'));
  const names = inside
    .filter((path) => !own.includes(path))
    .map((path) => path.slice(folder.length).split('/')[0]);
  const below = [...new Set(names)].sort().map((name) => {
    const path = `${folder}${name}`;
    return `<Directory Id="${idOf('folder', path)}" Name="${escaped(name)}">\n${directory(`${path}/`, files)}\n</Directory>`;
  });
  return [...own.map((path) => component(path)), ...below].join('\n');
}

/** One for each file, so that its identity depends on its path alone. */
function component(path) {
  return `<Component Id="${idOf('component', path)}" Guid="${derivedUuid(`file ${path}`)}" Win64="yes">
<File Id="${idOf('file', path)}" Name="${escaped(path.split('/').at(-1))}" Source="${escaped(path)}" KeyPath="yes"/>
${path === 'node.exe' ? service() : ''}</Component>`;
}

function service() {
  const args = [`[INSTALLDIR]lib\\service.js`, `--service=${SERVICE}`, '--user=[UserSID]'];
  const quoted = args.map((text) => `&quot;${text}&quot;`).join(' ');
  const events = `SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\${SERVICE}`;
  return `<ServiceInstall Id="service" Name="${SERVICE}" DisplayName="mobyvm" Description="Runs Linux containers in a small virtual machine." Type="ownProcess" Start="auto" ErrorControl="normal" Account="LocalSystem" Arguments="${quoted}"/>
<ServiceControl Id="control" Name="${SERVICE}" Start="install" Stop="both" Remove="uninstall" Wait="yes"/>
<RegistryValue Root="HKLM" Key="${events}" Name="EventMessageFile" Type="string" Value="%SystemRoot%\\System32\\EventCreate.exe"/>
<RegistryValue Root="HKLM" Key="${events}" Name="TypesSupported" Type="integer" Value="7"/>
<RegistryValue Root="HKLM" Key="${PRODUCT_KEY}" Name="InstallDir" Type="string" Value="[INSTALLDIR]"/>
`;
}

/** Identifiers may have 72 letters, digits, underscores and dots. */
function idOf(kind, path) {
  return `${kind}_${createHash('sha256').update(path).digest('hex').slice(0, 16)}`;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

async function contentOf(stage, files) {
  const hash = createHash('sha256');
  for (const path of files) hash.update(`${path}\0`).update(await readFile(join(stage, path)));
  return hash.digest('hex');
}
