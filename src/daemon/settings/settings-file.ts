import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readBytesIfPresent, writeFileAtomically } from '../../core/host/index.js';
import { decodeUserText, MobyvmError } from '../../core/values/index.js';
import type { HostPlatform } from '../../protocol/platform.js';
import type { SettingsAnswer, SettingsRequest } from '../../protocol/messages.js';
import { parseSettings } from './load.js';
import { settingsSchema } from './schema.js';
import { inCurrentVersion, withVersion } from './settings-version.plan.js';

/** Far more than every setting at its longest. */
const MAX_BYTES = 1024 * 1024;

const content = z.record(z.string(), z.record(z.string(), z.unknown()));
const named = z.looseObject({ version: z.unknown().nonoptional() });

export interface SettingsFileOptions {
  readonly path: string;
  readonly platform: HostPlatform;
}

/** The settings file for an editor: what it says, what may be said, and its replacement. */
export class SettingsFile {
  readonly #options: SettingsFileOptions;

  constructor(options: SettingsFileOptions) {
    this.#options = options;
  }

  /** @throws MobyvmError MOBYVM_SETTINGS if the file has no settings at all */
  async read(): Promise<SettingsAnswer> {
    const { path, platform } = this.#options;
    const text = await this.#text();
    const versioned = inCurrentVersion(text.trim() === '' ? {} : jsonOf(text));
    const settings = content.safeParse('content' in versioned ? versioned.content : undefined);
    // Says what is wrong with it.
    if (!settings.success) parseSettings(text, path, platform);
    const schema = z.toJSONSchema(settingsSchema, { io: 'input' });
    return {
      path,
      settings: settings.data ?? {},
      defaults: settingsSchema.parse({}),
      schema: { ...schema },
      revision: revisionOf(text),
    };
  }

  /** @throws MobyvmError MOBYVM_SETTINGS that lists every problem, MOBYVM_BUSY after another change */
  async save({ settings, revision }: SettingsRequest): Promise<SettingsAnswer> {
    const { path, platform } = this.#options;
    const before = await this.#text();
    const isNamed = named.safeParse(jsonOf(before)).success;
    const text = `${JSON.stringify(withVersion(settings, { isNamed }), undefined, 2)}\n`;
    parseSettings(text, path, platform);
    if (revisionOf(before) !== revision) throw changedError(path);
    await writeFileAtomically(path, text, 'everyone');
    return this.read();
  }

  async #text(): Promise<string> {
    const bytes = (await readBytesIfPresent(this.#options.path, MAX_BYTES)) ?? new Uint8Array();
    const decoded = decodeUserText(bytes);
    return 'text' in decoded ? decoded.text : '';
  }
}

function revisionOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function changedError(path: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_BUSY',
    `${path} was changed meanwhile.`,
    'Load the settings again, then repeat your change.',
  );
}
