import { decodeBindSpec, encodeBindSpec, type BindSpec } from './bind-spec.codec.js';
import { spelledAsPoint } from '../share-lookup.plan.js';
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
}

export interface HostPathsOptions {
  /** Where the host offers the engine: a socket or a pipe. */
  readonly engineAddress?: string;
  /** The shares; asked for at each path. */
  readonly shares?: () => readonly { readonly points: readonly string[] }[];
}

export function hostPaths(
  rule: PathRule,
  { engineAddress, shares = () => [] }: HostPathsOptions = {},
): HostPaths {
  const read = (text: string): HostPath => {
    const path = readHostPath(text, rule, engineAddress);
    if (rule === 'linux' || path.kind !== 'drive') return path;
    return { ...path, path: spelledAsPoint(path.path, shares()) };
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
  };
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
