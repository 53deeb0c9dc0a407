// Writes docs/settings.md from the settings schema; a unit test holds the two together.
import { writeFileSync } from 'node:fs';
import { settingsReference } from '../dist/daemon/settings/reference.js';

writeFileSync(new URL('../docs/settings.md', import.meta.url), settingsReference());
