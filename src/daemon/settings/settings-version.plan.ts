/** What a settings file says: groups of settings by name. */
export type SettingsContent = Readonly<Record<string, unknown>>;

/** Makes settings of one version into those of the next. */
export type SettingsMigration = (earlier: SettingsContent) => SettingsContent;

/**
 * From version 1 to 2, from 2 to 3 and so on. Settings have had one version so far. A setting that is only new needs no
 * migration; one that was renamed or means something else does.
 */
export const SETTINGS_MIGRATIONS: readonly SettingsMigration[] = [];

export type VersionedSettings =
  | { readonly kind: 'current'; readonly content: unknown }
  /** `content` is as it would be written in the current version. */
  | { readonly kind: 'earlier'; readonly version: number; readonly content: SettingsContent }
  | { readonly kind: 'later'; readonly version: number }
  | { readonly kind: 'invalid'; readonly version: unknown };

export function currentVersion(migrations = SETTINGS_MIGRATIONS): number {
  return migrations.length + 1;
}

/** Settings in the current version, without the member `version`. A file without that is of version 1. */
export function inCurrentVersion(value: unknown, migrations = SETTINGS_MIGRATIONS): VersionedSettings {
  // Anything but an object is refused by the schema.
  if (!isContent(value)) return { kind: 'current', content: value };
  const { version = 1, ...content } = value;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1)
    return { kind: 'invalid', version };
  const current = currentVersion(migrations);
  if (version > current) return { kind: 'later', version };
  if (version === current) return { kind: 'current', content };
  const migrated = migrations
    .slice(version - 1)
    .reduce<SettingsContent>((earlier, migrate) => migrate(earlier), content);
  return { kind: 'earlier', version, content: migrated };
}

/** What to write: the version is left out as long as it says nothing. */
export function withVersion(
  content: SettingsContent,
  { isNamed }: { readonly isNamed: boolean },
  migrations = SETTINGS_MIGRATIONS,
): SettingsContent {
  const version = currentVersion(migrations);
  return isNamed || version > 1 ? { version, ...content } : content;
}

function isContent(value: unknown): value is SettingsContent {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
