import type { Shape } from './path-sites.plan.js';

/** Which messages of a route are rewritten, and whether its binds are checked first. */
export interface Route {
  readonly request?: Shape;
  readonly response?: Shape;
  /** The container whose binds must work, as named in the path. */
  readonly startsContainer?: string;
}

const ROUTES: readonly (readonly [method: string, path: RegExp, route: Route])[] = [
  ['POST', /^\/containers\/create$/, { request: 'container' }],
  // Until API 1.23, the body of `start` was the host configuration.
  ['POST', /^\/containers\/(?<container>[^/]+)\/start$/, { request: 'hostConfig' }],
  ['POST', /^\/containers\/(?<container>[^/]+)\/restart$/, {}],
  ['GET', /^\/containers\/json$/, { response: 'containers' }],
  ['GET', /^\/containers\/[^/]+\/json$/, { response: 'container' }],
  ['POST', /^\/services\/create$/, { request: 'spec' }],
  ['POST', /^\/services\/[^/]+\/update$/, { request: 'spec' }],
  ['GET', /^\/services$/, { response: 'services' }],
  ['GET', /^\/services\/[^/]+$/, { response: 'service' }],
  ['GET', /^\/tasks$/, { response: 'tasks' }],
  ['GET', /^\/tasks\/[^/]+$/, { response: 'task' }],
  ['POST', /^\/volumes\/create$/, { request: 'volume', response: 'volume' }],
  ['GET', /^\/volumes$/, { response: 'volumes' }],
  ['GET', /^\/volumes\/[^/]+$/, { response: 'volume' }],
  ['GET', /^\/system\/df$/, { response: 'usage' }],
  // A plugin's name may contain slashes.
  ['POST', /^\/plugins\/.+\/set$/, { request: 'settings' }],
  ['GET', /^\/plugins$/, { response: 'plugins' }],
  ['GET', /^\/plugins\/.+\/json$/, { response: 'plugin' }],
];

/** First words of the paths above, so that most requests are dismissed at once. */
const FAMILY = /^(?:\/v\d+\.\d+)?\/(?:containers|services|tasks|volumes|system|plugins)(?:[/?]|$)/;
const VERSION = /^\/v\d+\.\d+(?=\/)/;

/**
 * Returns the route of a request, with or without an API version; undefined if nothing is rewritten or
 * checked.
 */
export function routeOf(method: string, target: string): Route | undefined {
  if (!FAMILY.test(target)) return undefined;
  const [path = ''] = target.replace(VERSION, '').split('?', 1);
  for (const [wanted, pattern, route] of ROUTES) {
    const match = method === wanted ? pattern.exec(path) : null;
    if (match === null) continue;
    const container = match.groups?.['container'];
    return container === undefined ? route : { ...route, startsContainer: container };
  }
  return undefined;
}

/** Returns the version prefix of a path, such as `/v1.43`, or an empty string. */
export function versionPrefixOf(target: string): string {
  return VERSION.exec(target)?.[0] ?? '';
}
