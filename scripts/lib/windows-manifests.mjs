// Descriptions of the packages for WinGet and Scoop.
const IDENTIFIER = 'mobyvm.mobyvm';
const PUBLISHER = 'mobyvm';
const SUMMARY = 'Runs Linux containers in a small virtual machine';
/** https://github.com/microsoft/winget-cli/tree/master/schemas/JSON/manifests */
const WINGET_VERSION = '1.6.0';

/**
 * @param url where the files are published, without a slash at its end
 * @param zip and msi: `{ name, sha256 }`
 * @returns texts by file name
 */
export function packageManifests({ version, url, zip, msi, productCode }) {
  const head = [`PackageIdentifier: ${IDENTIFIER}`, `PackageVersion: ${version}`];
  const foot = (type) => [`ManifestType: ${type}`, `ManifestVersion: ${WINGET_VERSION}`, ''];
  const text = (...lines) => lines.flat().join('\n');
  return {
    [`winget/${IDENTIFIER}.yaml`]: text(head, 'DefaultLocale: en-US', foot('version')),
    [`winget/${IDENTIFIER}.locale.en-US.yaml`]: text(
      head,
      ['PackageLocale: en-US', `Publisher: ${PUBLISHER}`, 'PackageName: mobyvm', 'License: Apache-2.0'],
      `ShortDescription: ${SUMMARY}`,
      foot('defaultLocale'),
    ),
    [`winget/${IDENTIFIER}.installer.yaml`]: text(
      head,
      ['InstallerType: wix', 'Scope: machine', 'UpgradeBehavior: install', 'Installers:'],
      ['- Architecture: x64', `  InstallerUrl: ${url}/${msi.name}`],
      [`  InstallerSha256: ${msi.sha256.toUpperCase()}`, `  ProductCode: '{${productCode}}'`],
      foot('installer'),
    ),
    'scoop/mobyvm.json': `${JSON.stringify(
      {
        version,
        description: SUMMARY,
        license: 'Apache-2.0',
        architecture: { '64bit': { url: `${url}/${zip.name}`, hash: zip.sha256, extract_dir: 'mobyvm' } },
        bin: 'mobyvm.cmd',
        notes: 'Run `mobyvm service install` in an elevated prompt.',
      },
      null,
      4,
    )}\n`,
  };
}
