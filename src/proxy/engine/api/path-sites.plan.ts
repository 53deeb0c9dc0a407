import { select, selectStrings, textAt } from './json-edit.plan.js';
import type { JsonNode, JsonString } from './json-text.codec.js';

/** A string in a message that holds a host path: a bind with its target, a path, or `name=path`. */
export interface PathSite {
  readonly kind: 'bind' | 'path' | 'setting';
  readonly node: JsonString;
}

/**
 * The kinds of Engine API messages that hold paths, versions 1.24 to 1.56:
 * https://docs.docker.com/reference/api/engine/.
 */
export type Shape =
  | 'container'
  | 'containers'
  | 'hostConfig'
  | 'spec'
  | 'service'
  | 'services'
  | 'task'
  | 'tasks'
  | 'volume'
  | 'volumes'
  | 'usage'
  | 'plugin'
  | 'plugins'
  | 'settings';

/** The members that lead to paths or are refused, in any message, by their folded names; see JsonScanner. */
export const PATH_MEMBERS: ReadonlySet<string> = new Set(
  (
    'HostConfig Binds Mounts Type Source VolumeOptions DriverConfig Name Options Driver DriverOpts o device ' +
    'TaskTemplate ContainerSpec Spec PreviousSpec Volumes Containers Settings Config Devices PathOnHost ' +
    'DeviceRequests Capabilities message'
  )
    .toLowerCase()
    .split(' '),
);

/** Finds the paths in a message of that shape. Labels, environment and commands are never taken for paths. */
export function pathSites(root: JsonNode, shape: Shape): readonly PathSite[] {
  const each = (path: readonly string[], inner: Shape): readonly PathSite[] =>
    select(root, path).flatMap((node) => pathSites(node, inner));
  switch (shape) {
    case 'container':
      // Up to API 1.43, a create without HostConfig has its members at the top.
      return [...each(['HostConfig'], 'hostConfig'), ...each([], 'hostConfig')];
    case 'containers':
      return each(['*'], 'container');
    case 'hostConfig':
      return [
        ...sitesOf('bind', selectStrings(root, ['Binds', '*'])),
        ...mountSites(select(root, ['Mounts', '*'])),
      ];
    case 'spec':
      return serviceMountSites(select(root, ['TaskTemplate', 'ContainerSpec', 'Mounts', '*']));
    case 'service':
      return [...each(['Spec'], 'spec'), ...each(['PreviousSpec'], 'spec')];
    case 'services':
      return each(['*'], 'service');
    case 'task':
      return serviceMountSites(select(root, ['Spec', 'ContainerSpec', 'Mounts', '*']));
    case 'tasks':
      return each(['*'], 'task');
    case 'volume':
      return [...driverSites(root, 'Driver', 'DriverOpts'), ...driverSites(root, 'Driver', 'Options')];
    case 'volumes':
      return each(['Volumes', '*'], 'volume');
    case 'usage':
      return [
        ...each(['Volumes'], 'volumes'),
        ...each(['Volumes', '*'], 'volume'),
        ...each(['Containers', '*'], 'container'),
      ];
    case 'plugin':
      return ['Settings', 'Config'].flatMap((part) =>
        sitesOf('path', selectStrings(root, [part, 'Mounts', '*', 'Source'])),
      );
    case 'plugins':
      return each(['*'], 'plugin');
    case 'settings':
      return sitesOf('setting', selectStrings(root, ['*']));
  }
}

/**
 * The type of a mount decides whether its source is a path, a volume's name, or something that cannot be
 * mounted.
 */
function mountSites(mounts: readonly JsonNode[]): readonly PathSite[] {
  return mounts.flatMap((mount) => {
    const type = textAt(mount, ['Type']);
    return type === 'bind' ? sitesOf('path', selectStrings(mount, ['Source'])) : volumeSites(mount);
  });
}

/** In services, the type of a mount may be in any case, and a mount without a type is a bind. */
function serviceMountSites(mounts: readonly JsonNode[]): readonly PathSite[] {
  return mounts.flatMap((mount) => {
    const type = textAt(mount, ['Type'])?.toLowerCase() ?? '';
    return type === 'bind' || type === ''
      ? sitesOf('path', selectStrings(mount, ['Source']))
      : volumeSites(mount);
  });
}

function volumeSites(mount: JsonNode): readonly PathSite[] {
  return select(mount, ['VolumeOptions', 'DriverConfig']).flatMap((driver) =>
    driverSites(driver, 'Name', 'Options'),
  );
}

/** Mounts that the engine would refuse without saying what to write instead. */
export function pipeMounts(root: JsonNode): readonly JsonNode[] {
  return [
    ['HostConfig', 'Mounts', '*'],
    ['Mounts', '*'],
    ['TaskTemplate', 'ContainerSpec', 'Mounts', '*'],
  ]
    .flatMap((path) => select(root, path))
    .filter((mount) => textAt(mount, ['Type'])?.toLowerCase() === 'npipe');
}

/**
 * The local driver binds a folder if it is given `o=bind` or `type=none`; otherwise `device` is not a host
 * path: https://docs.docker.com/reference/cli/docker/volume/create/#driver-specific-options.
 */
function driverSites(volume: JsonNode, nameField: string, optionsField: string): readonly PathSite[] {
  if (!['', 'local', undefined].includes(textAt(volume, [nameField]))) return [];
  return select(volume, [optionsField]).flatMap((options) => {
    const flags = textAt(options, ['=o'])?.split(',') ?? [];
    const binds = flags.includes('bind') || flags.includes('rbind') || textAt(options, ['=type']) === 'none';
    return binds ? sitesOf('path', selectStrings(options, ['=device'])) : [];
  });
}

function sitesOf(kind: PathSite['kind'], nodes: readonly JsonString[]): readonly PathSite[] {
  return nodes.map((node) => ({ kind, node }));
}
