/** Words of the Engine API's paths; whatever else stands in a path is a name or an id. */
const WORDS = new Set(
  (
    '_ping archive attach auth build cancel changes checkpoints commit configs containers create df disable ' +
    'distribution enable events exec export get grpc history images info init join json kill leave load logs ' +
    'networks nodes pause plugins privileges prune pull push rename resize restart search secrets services ' +
    'session set start stats stop swarm system tag tasks top unlock unlockkey unpause update upgrade version ' +
    'volumes wait ws connect disconnect'
  ).split(' '),
);

/**
 * A request's path as it may be logged: without names, ids, query and version, `/containers/{id}/json`. A name may hold
 * slashes, as those of images do.
 */
export function pathPattern(target: string): string {
  const query = target.indexOf('?');
  const path = (query === -1 ? target : target.slice(0, query)).replace(/^\/v\d+\.\d+(?=\/)/, '');
  const parts: string[] = [];
  for (const [index, part] of path.split('/').slice(1).entries()) {
    const isWord = WORDS.has(part);
    if (isWord) parts.push(part);
    else if (index === 0) return '/…';
    else if (parts.at(-1) !== '{id}') parts.push('{id}');
  }
  return parts.length === 0 ? '/…' : `/${parts.join('/')}`;
}
