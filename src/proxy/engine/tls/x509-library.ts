import type * as x509 from '@peculiar/x509';

export type X509Library = typeof x509;

/**
 * What the library's dependency injection asks the Reflect Metadata API for: which constructor parameters it is to
 * fill in. The library's own classes have none, so the right answer is always that nothing is known.
 */
const NO_METADATA = {
  getMetadata: () => undefined,
  getOwnMetadata: () => undefined,
  defineMetadata: () => undefined,
};

let loading: Promise<X509Library> | undefined;

/**
 * Loads `@peculiar/x509`, which takes some 100 ms, when a certificate is to be made and not before: almost no start
 * needs it. It refuses to load without the Reflect Metadata API, which no browser and no Node.js has; it is there
 * while the library loads and gone again afterwards, so that nothing else in the process comes to rely on it.
 */
export function loadX509(): Promise<X509Library> {
  return (loading ??= 'getMetadata' in Reflect ? import('@peculiar/x509') : loadWithStandIn());
}

async function loadWithStandIn(): Promise<X509Library> {
  Object.assign(Reflect, NO_METADATA);
  try {
    return await import('@peculiar/x509');
  } finally {
    for (const name of Object.keys(NO_METADATA)) Reflect.deleteProperty(Reflect, name);
  }
}
