import type { Shape } from './path-sites.plan.js';

/** Which messages of a route are rewritten, and whether its binds are checked first. */
export interface Route {
  readonly request?: Shape;
  readonly response?: Shape;
  /** The container whose binds must work, as named in the path. */
  readonly startsContainer?: string;
}

/** The engine's own patterns: the names of containers, volumes and plugins may contain slashes, others not. */
const ROUTES: readonly (readonly [method: string, path: RegExp, route: Route])[] = [
  ['POST', /^\/containers\/create$/, { request: 'container' }],
  // Until API 1.23, the body of `start` was the host configuration, alone or as in a create.
  ['POST', /^\/containers\/(?<container>[^\n]*)\/start$/, { request: 'container' }],
  ['POST', /^\/containers\/(?<container>[^\n]*)\/restart$/, {}],
  ['GET', /^\/containers\/json$/, { response: 'containers' }],
  ['GET', /^\/containers\/[^\n]*\/json$/, { response: 'container' }],
  ['POST', /^\/services\/create$/, { request: 'spec' }],
  ['POST', /^\/services\/[^/]+\/update$/, { request: 'spec' }],
  ['GET', /^\/services$/, { response: 'services' }],
  ['GET', /^\/services\/[^/]+$/, { response: 'service' }],
  ['GET', /^\/tasks$/, { response: 'tasks' }],
  ['GET', /^\/tasks\/[^/]+$/, { response: 'task' }],
  ['POST', /^\/volumes\/create$/, { request: 'volume', response: 'volume' }],
  ['GET', /^\/volumes$/, { response: 'volumes' }],
  ['GET', /^\/volumes\/[^\n]*$/, { response: 'volume' }],
  ['GET', /^\/system\/df$/, { response: 'usage' }],
  ['POST', /^\/plugins\/[^\n]*\/set$/, { request: 'settings' }],
  ['GET', /^\/plugins$/, { response: 'plugins' }],
  ['GET', /^\/plugins\/[^\n]*\/json$/, { response: 'plugin' }],
];

/** First words of the paths above, so that most requests are dismissed at once. */
const FAMILY = /^(?:\/v[0-9.]+)?\/(?:containers|services|tasks|volumes|system|plugins)(?:\/|$)/;
const VERSION = /^\/v[0-9.]+(?=\/)/;
/** What makes a target other than a plain path: an escape, a scheme, a doubled slash or a segment of dots. */
const NOT_PLAIN = /^[^/]|%|\/\/|\/\.{1,2}(?:\/|$)/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:(?:\/\/[^/]*)?(?=\/)/;

/**
 * Returns the route of a request, with or without an API version; undefined if nothing is rewritten or
 * checked.
 */
export function routeOf(method: string, target: string): Route | undefined {
  const path = pathOf(target);
  if (path === undefined || !FAMILY.test(path)) return undefined;
  const versionless = path.replace(VERSION, '');
  for (const [wanted, pattern, route] of ROUTES) {
    const match = method === wanted ? pattern.exec(versionless) : null;
    if (match === null) continue;
    const container = match.groups?.['container'];
    return container === undefined ? route : { ...route, startsContainer: container };
  }
  return undefined;
}

/** Returns the path as part of a target, as in `a%20b/c`. @param path one character per byte */
export function encodePath(path: string): string {
  return path.replaceAll(
    /[^\w.~/-]/g,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** Returns the version prefix of a path, such as `/v1.43`, or an empty string. */
export function versionPrefixOf(target: string): string {
  return VERSION.exec(pathOf(target) ?? '')?.[0] ?? '';
}

/**
 * Returns the path that the engine finds in a request's target, with one character per byte: without scheme,
 * host and query, with its escapes resolved (https://pkg.go.dev/net/url#ParseRequestURI). Doubled slashes and
 * segments of dots are resolved as well: the engine answers them with a redirect, but another version might
 * serve them. Undefined if there is no path, or none that the engine accepts.
 */
function pathOf(target: string): string | undefined {
  const [queryless = ''] = target.split('?', 1);
  if (!NOT_PLAIN.test(queryless)) return queryless;
  const encoded = queryless.replace(SCHEME, '');
  if (!encoded.startsWith('/') || /%(?![0-9A-Fa-f]{2})/.test(encoded)) return undefined;
  const path = encoded.replaceAll(/%(..)/g, (_escape, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}${path.endsWith('/') && segments.length > 0 ? '/' : ''}`;
}
