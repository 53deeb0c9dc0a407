import { decodeBindSpec, encodeBindSpec } from './bind-spec.codec.js';
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

export function hostPaths(rule: PathRule): HostPaths {
  const read = (path: string): HostPath => readHostPath(path, rule);
  const write = (path: string): string | undefined => writeHostPath(path, rule);
  return {
    read,
    write,
    readBind(bind) {
      const spec = decodeBindSpec(bind);
      if (spec === undefined) return undefined;
      const source = read(spec.source);
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
