// Writes docs/states.md from the table of transitions; a unit test holds the two together.
import { writeFileSync } from 'node:fs';
import { statesPage } from '../dist/daemon/machine/states-page.plan.js';

writeFileSync(new URL('../docs/states.md', import.meta.url), statesPage());
