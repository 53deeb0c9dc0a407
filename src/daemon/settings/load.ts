import type { z } from 'zod';
import { readBytesIfPresent } from '../../core/host/index.js';
import { decodeUserText, MobyvmError, reencodeRemedy, textOf } from '../../core/values/index.js';
import type { HostPlatform } from '../../protocol/platform.js';
import { pathProblems } from './path-problems.js';
import { problemText } from './problem.plan.js';
import { settingsSchema, type Settings } from './schema.js';
import { currentVersion, inCurrentVersion, SETTINGS_MIGRATIONS } from './settings-version.plan.js';

/** Far more than every setting at its longest. */
export const MAX_SETTINGS_BYTES = 1024 * 1024;

/**
 * Reads the settings file, also one of an earlier version; a missing file means all defaults.
 * @throws MobyvmError MOBYVM_SETTINGS that lists every problem
 */
export async function loadSettings(path: string, platform: HostPlatform): Promise<Settings> {
  const bytes = await readBytesIfPresent(path, MAX_SETTINGS_BYTES);
  if (bytes === undefined) return parseSettings('{}', path, platform);
  if (bytes.length > MAX_SETTINGS_BYTES)
    throw settingsError(`${path} has more than ${MAX_SETTINGS_BYTES} bytes.`, `Fix ${path}.`);
  const decoded = decodeUserText(bytes);
  if ('problem' in decoded) throw settingsError(`${path} ${decoded.problem}.`, reencodeRemedy(decoded));
  return parseSettings(decoded.text, path, platform);
}

export function parseSettings(
  text: string,
  path: string,
  platform: HostPlatform,
  migrations = SETTINGS_MIGRATIONS,
): Settings {
  const value = contentOf(text, path, migrations);
  const result = settingsSchema.safeParse(value);
  const wrongPaths = pathProblems(value, platform);
  if (result.success && wrongPaths.length === 0) return result.data;
  const problems = [
    ...(result.error?.issues ?? []).flatMap((issue) => describe(issue, value)),
    ...wrongPaths.map((each) => problemLine(each.path, each.problem, value)),
  ];
  throw settingsError(
    `${path} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((line) => `  ${line}`).join('\n')}`,
    `Fix ${path}; docs/settings.md lists every setting with its unit.`,
  );
}

/** In the current version. */
function contentOf(text: string, path: string, migrations: typeof SETTINGS_MIGRATIONS): unknown {
  const settings = inCurrentVersion(jsonOf(text, path), migrations);
  const current = currentVersion(migrations);
  switch (settings.kind) {
    case 'current':
    case 'earlier':
      return settings.content;
    case 'later':
      throw settingsError(
        `${path} is of version ${settings.version}, and this mobyvm knows settings up to version ${current}.`,
        `Install the mobyvm that wrote them, or go back to the file that it kept (${path}.version-${current}).`,
      );
    case 'invalid':
      throw settingsError(
        `${path} has a problem:\n  ${problemLine(['version'], `must be a number from 1 to ${current}`, settings)}`,
        `Fix ${path}; without \`version\` it counts as version 1.`,
      );
  }
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw settingsError(
      `${path} is not valid JSON: ${textOf(error)}${placeIn(text, textOf(error))}.`,
      `Fix ${path}, or remove it to use the defaults.`,
      error,
    );
  }
}

/** Later versions of Node.js say it themselves. */
function placeIn(text: string, message: string): string {
  const position = /at position (\d+)$/.exec(message)?.[1];
  if (position === undefined) return '';
  const before = text.slice(0, Number(position)).split('\n');
  return ` (line ${before.length} column ${(before.at(-1)?.length ?? 0) + 1})`;
}

function settingsError(message: string, remedy: string, cause?: unknown): MobyvmError {
  return new MobyvmError('MOBYVM_SETTINGS', message, remedy, { cause });
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
