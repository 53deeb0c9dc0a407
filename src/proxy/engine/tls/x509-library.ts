import type x509 from '@peculiar/x509';

export type X509Library = typeof x509;

/**
 * The part of the Reflect Metadata API that the library's dependency injection (tsyringe) uses to look up
 * constructor parameters. The library's own classes have none, so that the right answer is always undefined.
 */
const NO_METADATA = {
  getMetadata: () => undefined,
  getOwnMetadata: () => undefined,
  defineMetadata: () => undefined,
};

let loading: Promise<X509Library> | undefined;

/**
 * Loads `@peculiar/x509` when a certificate is needed, because it takes about 100 ms and almost no start
 * needs it. The library refuses to load without the Reflect Metadata API, which Node.js does not have
 * (https://github.com/microsoft/tsyringe#installation). It is defined only while the library loads, so that
 * nothing else in the process depends on it.
 */
export function loadX509(): Promise<X509Library> {
  return (loading ??= 'getMetadata' in Reflect ? load() : loadWithStandIn());
}

/** A CommonJS module: bundled with code splitting, it has its names on the default export alone. */
async function load(): Promise<X509Library> {
  return (await import('@peculiar/x509')).default;
}

async function loadWithStandIn(): Promise<X509Library> {
  Object.assign(Reflect, NO_METADATA);
  try {
    return await load();
  } finally {
    for (const name of Object.keys(NO_METADATA)) Reflect.deleteProperty(Reflect, name);
  }
}
