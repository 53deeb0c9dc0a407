import { CodecError } from '../../../core/values/index.js';
import { editJsonText, select, selectStrings, textAt, type StringEdit } from './json-edit.plan.js';
import { decodeJsonText, type JsonDocument, type JsonNode } from './json-text.codec.js';
import { PATH_MEMBERS, pathSites, pipeMounts, type PathSite, type Shape } from './path-sites.plan.js';

/** What a host path is in the VM. Supplied by the daemon from src/share. */
export type HostPath =
  | { readonly kind: 'other' }
  /** An absolute path that host and VM may both have. */
  | { readonly kind: 'host'; readonly path: string }
  | { readonly kind: 'guest'; readonly path: string }
  | { readonly kind: 'drive'; readonly drive: string; readonly path: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly advice: string };

/**
 * Converts between host and guest paths. For every guest path g that `write` converts, `read` gives g again.
 */
export interface PathTranslation {
  readonly read: (path: string) => HostPath;
  readonly write: (guestPath: string) => string | undefined;
  readonly readBind: (bind: string) => { readonly source: HostPath; readonly text: string } | undefined;
  readonly writeBind: (bind: string) => string | undefined;
  /** The same, but with these paths in the VM spelled as the host has them; undefined if they are so already. */
  readonly spelledOnHost?: (guestPaths: readonly string[]) => Promise<PathTranslation | undefined>;
}

/** A path that may need a share, and how the user writes it. */
export interface DrivePath {
  /** Undefined for a path without a drive. */
  readonly drive: string | undefined;
  readonly path: string;
  readonly asWritten: string;
}

export type ToGuest =
  /** `text` is undefined if nothing needs to change; `paths` are those on drives. */
  | { readonly kind: 'read'; readonly text: string | undefined; readonly paths: readonly DrivePath[] }
  | { readonly kind: 'refused'; readonly message: string };

const VOLUME_NAME = /^[A-Za-z0-9][\w.-]+$/;

/** What a request must be decoded with; see JsonScanner. */
export interface Request {
  readonly text: string;
  readonly document: JsonDocument;
}

/**
 * Replaces host paths in a request by guest paths. A request is refused if it could mean something else to the
 * engine than to the rules.
 */
export function toGuest({ text, document }: Request, shape: Shape, paths: PathTranslation): ToGuest {
  const { root, repeated } = document;
  if (repeated !== undefined) {
    return {
      kind: 'refused',
      message: `mobyvm: the request has the member "${repeated}" more than once. Send it once.`,
    };
  }
  const device = shape === 'container' ? windowsDevice(root) : undefined;
  if (device !== undefined) return { kind: 'refused', message: device };
  if (shape === 'container' && asksForGpu(root)) return { kind: 'refused', message: NO_GPU };
  if (pipeMounts(root).length > 0) return { kind: 'refused', message: PIPE_MOUNT };
  const edits: StringEdit[] = [];
  const found: DrivePath[] = [];
  for (const site of pathSites(root, shape)) {
    const read = readSite(site, paths);
    if (read === undefined || read.source.kind === 'other') continue;
    const { source } = read;
    if (source.kind === 'refused') {
      return { kind: 'refused', message: `mobyvm: ${source.reason}. ${source.advice}` };
    }
    if (source.kind === 'drive') {
      const asWritten = paths.write(source.path) ?? source.path;
      found.push({ drive: source.drive, path: source.path, asWritten });
    }
    if (source.kind === 'host') {
      found.push({ drive: undefined, path: source.path, asWritten: source.path });
      continue;
    }
    if (read.text !== site.node.value) edits.push({ node: site.node, value: read.text });
  }
  return {
    kind: 'read',
    text: edits.length === 0 ? undefined : editJsonText(text, edits),
    paths: found,
  };
}

/** Replaces guest paths in a response by host paths; undefined if there are none. */
export function toHost(
  text: string,
  { root, shape }: { readonly root: JsonNode; readonly shape: Shape },
  paths: PathTranslation,
): string | undefined {
  const edits = pathSites(root, shape).flatMap(({ kind, node }) => {
    const value = kind === 'bind' ? paths.writeBind(node.value) : paths.write(node.value);
    return value === undefined ? [] : [{ node, value }];
  });
  return edits.length === 0 ? undefined : editJsonText(text, edits);
}

/** Returns the paths on drives that a response names, such as those of an inspected container. */
export function drivePathsIn(text: string, shape: Shape, paths: PathTranslation): readonly DrivePath[] {
  const root = decodeOrUndefined(text);
  if (root === undefined) return [];
  const read = toGuest({ text, document: { root, repeated: undefined } }, shape, paths);
  return read.kind === 'read' ? read.paths : [];
}

/**
 * Returns the names of an inspected container's volumes that use the local driver. Only inspecting the volume
 * itself tells what it is bound to. The names become part of a request, so that anything that is not a volume
 * name is dropped.
 */
export function localVolumesIn(text: string): readonly string[] {
  const names = select(decodeOrUndefined(text), ['Mounts', '*'])
    .filter((mount) => textAt(mount, ['Driver']) === 'local')
    .flatMap((mount) => textAt(mount, ['Name']) ?? []);
  return [...new Set(names)].filter((name) => VOLUME_NAME.test(name));
}

/**
 * Replaces guest paths in an error message by host paths. Only looks for paths that the request names: in
 * free text, the end of any other path is unknown.
 */
export function errorToHost(text: string, paths: readonly DrivePath[]): string | undefined {
  const root = paths.length === 0 ? undefined : decodeOrUndefined(text);
  const edits = selectStrings(root, ['message']).flatMap((node) => {
    const value = withHostPaths(node.value, paths);
    return value === node.value ? [] : [{ node, value }];
  });
  return edits.length === 0 ? undefined : editJsonText(text, edits);
}

function withHostPaths(message: string, paths: readonly DrivePath[]): string {
  // Longest first: /C/a/b before /C/a.
  const known = new Map(paths.map(({ path, asWritten }) => [path, asWritten]));
  const longestFirst = [...known.keys()].sort((a, b) => b.length - a.length);
  const pattern = longestFirst.map((path) => path.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
  const whole = new RegExp(`(?<![\\w/.-])(?:${pattern})(?![\\w/-]|\\.\\w)`, 'g');
  return message.replaceAll(whole, (path) => known.get(path) ?? path);
}

function readSite(
  { kind, node }: PathSite,
  paths: PathTranslation,
): { readonly source: HostPath; readonly text: string } | undefined {
  if (kind === 'bind') return paths.readBind(node.value);
  const at = kind === 'setting' ? node.value.indexOf('=') + 1 : 0;
  if (kind === 'setting' && !/\.source=$/i.test(node.value.slice(0, at))) return undefined;
  const source = paths.read(node.value.slice(at));
  const isPath = source.kind === 'drive' || source.kind === 'guest';
  return { source, text: isPath ? node.value.slice(0, at) + source.path : node.value };
}

const PIPE_MOUNT =
  'mobyvm: a mount of type npipe does not work, because containers run in a Linux VM. To mount the engine, use ' +
  'a bind: -v //var/run/docker.sock:/var/run/docker.sock, or ' +
  '--mount type=bind,source=/var/run/docker.sock,target=/var/run/docker.sock.';

/** A container in the VM cannot use devices of Windows. */
function windowsDevice(root: JsonNode): string | undefined {
  const names = select(root, ['HostConfig', 'Devices', '*']).flatMap((device) =>
    selectStrings(device, ['PathOnHost']).map(({ value }) => value),
  );
  const windows = names.find((name) => /^(\\\\|COM\d+:?$|LPT\d+:?$|[A-Za-z]:)/i.test(name));
  return (
    windows &&
    `mobyvm: "${windows}" is a Windows device, but containers run in a Linux VM. ` +
      'Name a device of the VM, such as /dev/ttyS0.'
  );
}

const NO_GPU =
  'mobyvm: containers cannot use a GPU, because the VM has none. Leave out --gpus (in Compose: ' +
  'deploy.resources.reservations.devices).';

/**
 * The engine would create the container, and say `could not select device driver "" with capabilities: [[gpu]]` when it
 * starts.
 */
function asksForGpu(root: JsonNode): boolean {
  const capabilities = ['HostConfig', 'DeviceRequests', '*', 'Capabilities', '*', '*'];
  return selectStrings(root, capabilities).some(({ value }) => value === 'gpu');
}

/** Most responses hold no path on a drive and need not be parsed. */
export function mayHoldDrive(text: string): boolean {
  return /"\/[A-Z][/:"]/.test(text);
}

function decodeOrUndefined(text: string): JsonNode | undefined {
  try {
    return decodeJsonText(text, PATH_MEMBERS);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
