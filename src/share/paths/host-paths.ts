import { sleep } from '../../core/host/index.js';
import { decodeBindSpec, encodeBindSpec, type BindSpec } from './bind-spec.codec.js';
import { isWithin, shareAt, spelledAsPoint } from '../share-lookup.plan.js';
import { spelledOnHost } from './spelled-on-host.js';
import { readHostPath, writeHostPath, type HostPath, type PathRule } from './host-path.plan.js';

/** A parsed bind; `text` is the bind with the guest path of its source. */
export interface ReadBind {
  readonly source: HostPath;
  readonly text: string;
}

/** Converts paths by the rule of one platform. */
export interface HostPaths {
  readonly read: (path: string) => HostPath;
  /** The user's form of a guest path; undefined if it is not on a drive. */
  readonly write: (guestPath: string) => string | undefined;
  /** Undefined if the bind has no source. */
  readonly readBind: (bind: string) => ReadBind | undefined;
  readonly writeBind: (bind: string) => string | undefined;
  /**
   * The same, but with these paths in the VM spelled as the host has them: the VM's kernel takes two spellings of a folder
   * for two folders with the same inode numbers, and then stops using the host's numbers. Undefined if they are so already.
   */
  readonly spelledOnHost: (guestPaths: readonly string[]) => Promise<HostPaths | undefined>;
}

export interface HostPathsOptions {
  /** Where the host offers the engine: a socket or a pipe. */
  readonly engineAddress?: string;
  /** The shares; asked for at each path. */
  readonly shares?: () => readonly SharedFolder[];
}

interface SharedFolder {
  readonly points: readonly string[];
  readonly hostPath: string;
}

/** A folder that takes longer is used as it is written. */
const SPELLING_MS = 500;
const NO_SPELLINGS: ReadonlyMap<string, string> = new Map();

export function hostPaths(rule: PathRule, options: HostPathsOptions = {}): HostPaths {
  return pathsWith(rule, options, NO_SPELLINGS);
}

function pathsWith(
  rule: PathRule,
  options: HostPathsOptions,
  spellings: ReadonlyMap<string, string>,
): HostPaths {
  const { engineAddress, shares = () => [] } = options;
  const read = (text: string): HostPath => {
    const path = readHostPath(text, rule, engineAddress);
    if (path.kind !== 'drive') return path;
    const pointed = rule === 'linux' ? path.path : spelledAsPoint(path.path, shares());
    return { ...path, path: spellings.get(pointed) ?? pointed };
  };
  const write = (path: string): string | undefined => writeHostPath(path, rule);
  return {
    read,
    write,
    readBind(bind) {
      const spec = decodeBindSpec(bind);
      if (spec === undefined) return undefined;
      const source = badForm(bind, spec) ?? read(spec.source);
      const isPath = source.kind === 'drive' || source.kind === 'guest';
      return { source, text: isPath ? encodeBindSpec({ ...spec, source: source.path }) : bind };
    },
    writeBind(bind) {
      const spec = decodeBindSpec(bind);
      if (spec === undefined) return undefined;
      const source = write(spec.source);
      return source === undefined ? undefined : encodeBindSpec({ ...spec, source });
    },
    async spelledOnHost(guestPaths) {
      const found = new Map<string, string>();
      for (const path of new Set(guestPaths)) {
        const spelled = await inTime(onHost(path, rule, shares()));
        if (spelled !== undefined && spelled !== path) found.set(path, spelled);
      }
      return found.size === 0 ? undefined : pathsWith(rule, options, found);
    },
  };
}

/** Only drives ignore the case of names. */
async function onHost(
  path: string,
  rule: PathRule,
  shares: readonly SharedFolder[],
): Promise<string | undefined> {
  const share = shareAt(path, shares);
  const point = share?.points.find((each) => isWithin(path, each));
  if (share === undefined || point === undefined || !/^\/[A-Za-z](?:\/|$)/.test(point)) return undefined;
  const names = path
    .slice(point.length)
    .split('/')
    .filter((name) => name !== '');
  return [point, ...(await spelledOnHost(share.hostPath, names, rule === 'linux'))].join('/');
}

async function inTime(spelling: Promise<string | undefined>): Promise<string | undefined> {
  const late = new AbortController();
  const timeout = sleep(SPELLING_MS, late.signal).then(
    () => undefined,
    () => undefined,
  );
  try {
    return await Promise.race([spelling, timeout]);
  } finally {
    late.abort();
  }
}

/** How the address of an engine begins in DOCKER_HOST. */
const ADDRESS = /^(?:unix|npipe|tcp|https?|ssh)$/i;

/**
 * A bind whose options are a path was cut at the wrong colon. The engine would say only "invalid mode", and not
 * what to write.
 */
function badForm(bind: string, { source, target, options }: BindSpec): HostPath | undefined {
  if (options === undefined || !/[\\/]/.test(options)) return undefined;
  if (ADDRESS.test(source)) {
    return {
      kind: 'refused',
      reason: `"${bind}" begins with an address, and a bind begins with a path`,
      advice: 'To mount the engine, use -v //var/run/docker.sock:/var/run/docker.sock.',
    };
  }
  return {
    kind: 'refused',
    reason: `"${bind}" is not SOURCE:TARGET[:OPTIONS]: "${target}" would be its target and "${options}" its options`,
    advice: 'The target is a path in the container, such as /data.',
  };
}
