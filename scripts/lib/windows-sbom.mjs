// The parts of a package for Windows as a CycloneDX document: https://cyclonedx.org/docs/1.6/json/
import { derivedUuid } from './derived-uuid.mjs';

/**
 * @param version of mobyvm
 * @param node version of Node.js
 * @param packages those in the bundle, as `{ name, version, license }`
 * @param image the boot image's manifest; undefined without one
 * @returns text that depends on the arguments alone
 */
export function softwareBill({ version, node, packages, image }) {
  const components = [
    {
      type: 'platform',
      name: 'node',
      version: node,
      purl: `pkg:generic/node@${node}`,
      licenses: [{ license: { id: 'MIT' } }],
    },
    ...packages.map(npmComponent),
    ...(image === undefined ? [] : [imageComponent(image)]),
  ];
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${derivedUuid(JSON.stringify([version, components])).toLowerCase()}`,
    version: 1,
    metadata: {
      component: {
        type: 'application',
        name: 'mobyvm',
        version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function npmComponent({ name, version, license }) {
  return {
    type: 'library',
    name,
    version,
    // https://github.com/package-url/purl-spec: the @ of a scope is escaped.
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    licenses: [/^[\w.+-]+$/.test(license) ? { license: { id: license } } : { expression: license }],
  };
}

/** Its packages are those of Debian or Alpine, as its own manifest lists them. */
function imageComponent({ recipe, kernelVersion, files, packages = {}, sources = {} }) {
  const { sha256 } = files['mobyvm.iso'];
  const type = recipe === 'alpine' ? 'apk' : 'deb';
  return {
    type: 'operating-system',
    name: `mobyvm boot image (${recipe})`,
    version: sha256.slice(0, 16),
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    ...(kernelVersion === undefined ? {} : { description: `Linux ${kernelVersion}` }),
    components: Object.entries(packages).map(([name, packageVersion]) => ({
      type: 'library',
      name,
      version: packageVersion,
      purl: `pkg:${type}/${recipe}/${name}@${encodeURIComponent(packageVersion)}`,
      ...(sources[name] === undefined
        ? {}
        : { properties: [{ name: 'mobyvm:source', value: sources[name] }] }),
    })),
  };
}
