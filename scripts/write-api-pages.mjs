// Writes docs/control-api.md and docs/openapi.json from the schemas; run by `npm run docs:api`, which builds first.
import { writeFileSync } from 'node:fs';
import { controlReference, openApiDocument } from '../dist/protocol/control-reference.plan.js';

const docs = new URL('../docs/', import.meta.url);
writeFileSync(new URL('control-api.md', docs), controlReference());
writeFileSync(new URL('openapi.json', docs), `${JSON.stringify(openApiDocument(), undefined, 2)}\n`);
