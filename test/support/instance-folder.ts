import { join } from 'node:path';

/** The environment in which a command finds all of its files in that folder. */
export function environmentOf(folder: string): Record<string, string> {
  return {
    MOBYVM_STATE_DIR: folder,
    MOBYVM_RUN_DIR: folder,
    MOBYVM_LOG_DIR: folder,
    MOBYVM_SETTINGS: join(folder, 'settings.json'),
  };
}
