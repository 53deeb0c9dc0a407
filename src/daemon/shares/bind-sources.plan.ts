import type { ContainerList } from '../../proxy/index.js';
import type { Share } from '../../share/index.js';

/** A path on a share that a running container binds. */
export interface BindSource {
  readonly share: string;
  /** Below the share's first point in the VM. */
  readonly guestPath: string;
  /** In the host's form; not looked at yet. */
  readonly hostPath: string;
  /** The share's own folder on the host. */
  readonly root: string;
}

/** More than any machine has; the guest, which is not trusted, sends the list. */
const MAX_SOURCES = 2_000;

/** What the running containers bind, each path once. */
export function bindSources(containers: ContainerList, shares: readonly Share[]): readonly BindSource[] {
  const sources = new Map<string, BindSource>();
  for (const { Mounts } of containers)
    for (const { Type, Source } of Mounts ?? []) {
      const source = Type === 'bind' && typeof Source === 'string' ? sourceOf(Source, shares) : undefined;
      if (source !== undefined && sources.size < MAX_SOURCES) sources.set(source.guestPath, source);
    }
  return [...sources.values()];
}

function sourceOf(path: string, shares: readonly Share[]): BindSource | undefined {
  let best: { share: Share; rest: string } | undefined;
  for (const share of shares)
    for (const point of share.points) {
      const rest = restBelow(path, point);
      if (rest !== undefined && (best === undefined || rest.length < best.rest.length))
        best = { share, rest };
    }
  const point = best?.share.points[0];
  if (best === undefined || point === undefined) return undefined;
  const { share, rest } = best;
  if (isUnclean(rest, isOfWindows(share.hostPath))) return undefined;
  return {
    share: share.id,
    guestPath: joined(point, rest),
    hostPath: joined(share.hostPath, rest),
    root: share.hostPath,
  };
}

/** `/a/b` of `/C/a/b` below `/C`; empty for the point itself. */
function restBelow(path: string, point: string): string | undefined {
  const base = point.endsWith('/') ? point.slice(0, -1) : point;
  const clean = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  return clean === base || clean.startsWith(`${base}/`) ? clean.slice(base.length) : undefined;
}

/**
 * The engine sends cleaned paths: another one could lead out of the share. On Windows, backslashes and colons in a name of
 * the VM would mean other folders, and streams.
 */
function isUnclean(rest: string, isWindows: boolean): boolean {
  if (rest.includes('\0') || (isWindows && /[\\:]/.test(rest))) return true;
  return rest.split('/').some((part) => part === '..' || part === '.');
}

function joined(base: string, rest: string): string {
  if (rest === '') return base;
  const separator = isOfWindows(base) ? '\\' : '/';
  const below = rest.split('/').join(separator);
  return base.endsWith(separator) ? `${base}${below.slice(1)}` : `${base}${below}`;
}

/** A path says itself of which platform it is. */
function isOfWindows(path: string): boolean {
  return /^[A-Za-z]:/.test(path);
}
