import { z } from 'zod';
import { pathProblem, type PathDemands } from '../../protocol/absolute-path.js';
import type { HostPlatform } from '../../protocol/platform.js';

/** The settings that are paths of the host; the schema takes them as any text, as their form is the platform's. */
const PATH_SETTINGS: readonly (PathDemands & { readonly group: string; readonly name: string })[] = [
  // Hyper-V attaches images from a share as well.
  { group: 'image', name: 'directory', isLocal: false },
];

export interface PathProblem {
  readonly path: readonly string[];
  /** Completes a sentence that begins with the setting's name. */
  readonly problem: string;
}

const groups = z.record(z.string(), z.record(z.string(), z.unknown()).catch({})).catch({});

/** @param value as it was read from the file, whatever else may be wrong with it */
export function pathProblems(value: unknown, platform: HostPlatform): readonly PathProblem[] {
  const read = groups.parse(value);
  return PATH_SETTINGS.flatMap(({ group, name, isLocal }) => {
    const text = read[group]?.[name];
    const problem = typeof text === 'string' ? pathProblem(text, platform, { isLocal }) : undefined;
    return problem === undefined ? [] : [{ path: [group, name], problem }];
  });
}
