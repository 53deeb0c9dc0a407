/** Words in the paths of the Engine API; everything else in a path is a name or an id. */
const WORDS = new Set(
  (
    '_ping archive attach auth build cancel changes checkpoints commit configs containers create df disable ' +
    'distribution enable events exec export get grpc history images info init join json kill leave load logs ' +
    'networks nodes pause plugins privileges prune pull push rename resize restart search secrets services ' +
    'session set start stats stop swarm system tag tasks top unlock unlockkey unpause update upgrade version ' +
    'volumes wait ws connect disconnect'
  ).split(' '),
);

const VERSION = /^v\d+\.\d+$/;

/**
 * Returns a request's path in a form that may be logged, without names, ids, query and version:
 * `/containers/{id}/json`. A name may contain slashes, as image names do. Called for every request.
 */
export function pathPattern(target: string): string {
  const query = target.indexOf('?');
  const parts = (query === -1 ? target : target.slice(0, query)).split('/');
  const first = parts.length > 2 && VERSION.test(parts[1] ?? '') ? 2 : 1;
  let pattern = '';
  for (let index = first; index < parts.length; index += 1) {
    const part = parts[index] ?? '';
    if (WORDS.has(part)) pattern += `/${part}`;
    else if (index === first) return '/…';
    else if (!pattern.endsWith('/{id}')) pattern += '/{id}';
  }
  return pattern === '' ? '/…' : pattern;
}
