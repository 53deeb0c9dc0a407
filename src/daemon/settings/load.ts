import type { z } from 'zod';
import { readFileIfPresent } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { HostPlatform } from '../../protocol/platform.js';
import { pathProblems } from './path-problems.js';
import { problemText } from './problem.plan.js';
import { settingsSchema, type Settings } from './schema.js';

/**
 * Reads the settings file; a missing file means all defaults.
 * @throws MobyvmError MOBYVM_SETTINGS that lists every problem
 */
export async function loadSettings(path: string, platform: HostPlatform): Promise<Settings> {
  const text = await readFileIfPresent(path);
  return parseSettings(text ?? '{}', path, platform);
}

export function parseSettings(text: string, path: string, platform: HostPlatform): Settings {
  let value: unknown;
  try {
    // Windows editors may write a byte order mark; RFC 8259 §8.1 allows parsers to ignore it.
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new MobyvmError(
      'MOBYVM_SETTINGS',
      `${path} is not valid JSON: ${textOf(error)}.`,
      `Fix ${path}, or remove it to use the defaults.`,
      {
        cause: error,
      },
    );
  }
  const result = settingsSchema.safeParse(value);
  const wrongPaths = pathProblems(value, platform);
  if (result.success && wrongPaths.length === 0) return result.data;
  const problems = [
    ...(result.error?.issues ?? []).flatMap((issue) => describe(issue, value)),
    ...wrongPaths.map((each) => problemLine(each.path, each.problem, value)),
  ];
  throw new MobyvmError(
    'MOBYVM_SETTINGS',
    `${path} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((line) => `  ${line}`).join('\n')}`,
    `Fix ${path}; docs/settings.md lists every setting with its unit.`,
  );
}

function describe(issue: z.core.$ZodIssue, whole: unknown): string[] {
  const at = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `${at === '' ? key : `${at}.${key}`}: unknown setting${suggestion(at, key)}`,
    );
  }
  return [problemLine(issue.path, problemText(issue), whole)];
}

function problemLine(path: readonly PropertyKey[], problem: string, whole: unknown): string {
  const at = path.map(String).join('.');
  return `${at === '' ? 'settings' : at}: ${problem} (is ${shown(valueAt(whole, path))})`;
}

/** Most unknown names are a known one with another unit or spelling. */
function suggestion(parent: string, key: string): string {
  const bare = (name: string): string =>
    name.toLowerCase().replace(/(mib|mb|gib|gb|seconds|secs?|ms|bytes)$/, '');
  const near = settingNames().filter((name) => {
    const [own = ''] = name.split('.').slice(-1);
    return name === (parent === '' ? own : `${parent}.${own}`) && bare(own) === bare(key);
  });
  return near[0] === undefined ? '' : `; did you mean ${near[0]}?`;
}

function settingNames(): string[] {
  return Object.entries(settingsSchema.parse({})).flatMap(([group, values]) =>
    Object.keys(values).map((name) => `${group}.${name}`),
  );
}

function valueAt(whole: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    whole,
  );
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
