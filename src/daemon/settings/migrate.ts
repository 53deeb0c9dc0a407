import { readBytesIfPresent, writeFileAtomically } from '../../core/host/index.js';
import { decodeUserText } from '../../core/values/index.js';
import type { HostPlatform } from '../../protocol/platform.js';
import { MAX_SETTINGS_BYTES, parseSettings } from './load.js';
import {
  currentVersion,
  inCurrentVersion,
  SETTINGS_MIGRATIONS,
  withVersion,
  type SettingsContent,
} from './settings-version.plan.js';

/**
 * Rewrites settings of an earlier version, and keeps the earlier file beside. Settings that are invalid are left alone:
 * whoever loads them says what is wrong.
 * @returns what to tell the user, if they were rewritten @throws MobyvmError MOBYVM_STATE_FILE, MOBYVM_DISK_FULL
 */
export async function migrateSettings(
  path: string,
  platform: HostPlatform,
  migrations = SETTINGS_MIGRATIONS,
): Promise<readonly string[]> {
  const bytes = await readBytesIfPresent(path, MAX_SETTINGS_BYTES);
  const found = bytes === undefined ? undefined : earlierSettings(bytes, path, platform, migrations);
  if (bytes === undefined || found === undefined) return [];
  const keptAs = `${path}.version-${found.version}`;
  await writeFileAtomically(keptAs, bytes, 'everyone');
  const written = withVersion(found.content, { isNamed: true }, migrations);
  await writeFileAtomically(path, `${JSON.stringify(written, undefined, 2)}\n`, 'everyone');
  return [
    `${path} was of version ${found.version} and is now of version ${currentVersion(migrations)}; the earlier file is ${keptAs}.`,
  ];
}

function earlierSettings(
  bytes: Uint8Array,
  path: string,
  platform: HostPlatform,
  migrations: typeof SETTINGS_MIGRATIONS,
): { readonly version: number; readonly content: SettingsContent } | undefined {
  const decoded = decodeUserText(bytes);
  if ('problem' in decoded) return undefined;
  try {
    parseSettings(decoded.text, path, platform, migrations);
    const settings = inCurrentVersion(JSON.parse(decoded.text), migrations);
    return settings.kind === 'earlier' ? settings : undefined;
  } catch {
    return undefined;
  }
}
