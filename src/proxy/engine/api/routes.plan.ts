import type { Shape } from './path-sites.plan.js';

/** Which messages of a route are rewritten, and whether binds must be alive for it. */
export interface Route {
  readonly request?: Shape;
  readonly response?: Shape;
  /** The container whose binds must be alive, as it is named in the path. */
  readonly startsContainer?: string;
}

const ROUTES: readonly (readonly [method: string, path: RegExp, route: Route])[] = [
  ['POST', /^\/containers\/create$/, { request: 'container' }],
  // The body of `start` was the host configuration until API 1.23.
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
  // A plugin's name may hold slashes.
  ['POST', /^\/plugins\/.+\/set$/, { request: 'settings' }],
  ['GET', /^\/plugins$/, { response: 'plugins' }],
  ['GET', /^\/plugins\/.+\/json$/, { response: 'plugin' }],
];

/** First words of the paths above: most requests need no further look. */
const FAMILY = /^(?:\/v\d+\.\d+)?\/(?:containers|services|tasks|volumes|system|plugins)(?:[/?]|$)/;
const VERSION = /^\/v\d+\.\d+(?=\/)/;

/** The route of a request, with any API version or none; undefined where nothing is rewritten. */
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

/** The API version of a path, as it stands there: `/v1.43`, or nothing. */
export function versionPrefixOf(target: string): string {
  return VERSION.exec(target)?.[0] ?? '';
}
