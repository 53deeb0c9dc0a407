// Writes docs/cli.md from the command definitions; run by `npm run docs:cli`, which builds first.
import { writeFileSync } from 'node:fs';
import { COMMANDS } from '../dist/cli/definitions.js';
import { cliReference } from '../dist/cli/reference.plan.js';

writeFileSync(new URL('../docs/cli.md', import.meta.url), cliReference(COMMANDS));
