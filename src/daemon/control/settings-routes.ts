import { ROUTES } from '../../protocol/control-routes.js';
import type { SettingsAnswer, SettingsRequest } from '../../protocol/messages.js';
import { endpoint, type Endpoint } from './endpoint.js';

/** The settings file, as an editor needs it. */
export interface EditedSettings {
  read(): Promise<SettingsAnswer>;
  /** @throws MobyvmError MOBYVM_SETTINGS that lists every problem, MOBYVM_BUSY after another change */
  save(request: SettingsRequest): Promise<SettingsAnswer>;
}

/** What is asked about the settings. */
export function settingsEndpoints(settings: EditedSettings): readonly Endpoint[] {
  return [
    endpoint(ROUTES.settings, () => settings.read()),
    endpoint(ROUTES.saveSettings, ({ body }) => settings.save(body)),
  ];
}
