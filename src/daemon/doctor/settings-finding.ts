import { MobyvmError, textOf } from '../../core/values/index.js';
import type { HostPlatform } from '../../protocol/platform.js';
import { loadSettings } from '../settings/load.js';
import type { Settings } from '../settings/schema.js';
import { fine, problem, unseen, type Finding } from './finding.js';

/** The settings, or why they cannot be used: what does not need them is looked at all the same. */
export type SettingsRead = Settings | { readonly unreadable: unknown };

export function readSettings(path: string, platform: HostPlatform): Promise<SettingsRead> {
  return loadSettings(path, platform).catch((unreadable: unknown) => ({ unreadable }));
}

export function settingsFinding(settings: SettingsRead, path: string): Finding {
  const named = { id: 'settings', title: 'Settings' };
  if (!('unreadable' in settings))
    return { ...named, ...fine(`${path} is valid; missing settings use their defaults`) };
  const { unreadable: reason } = settings;
  const [summary = '', ...problems] = textOf(reason).split(/\n\s*/);
  const text = [summary, problems.join(' · ')].join(' ').trim().replace(/\.$/, '');
  return { ...named, ...(reason instanceof MobyvmError ? problem(text, reason.remedy) : unseen(text)) };
}
