import { runService } from '../../../../src/run-service.js';
import { openServices } from './open-services.js';

/** As src/service.ts. */
await runService({
  host: process,
  args: process.argv.slice(2),
  env: process.env,
  entry: import.meta.url,
  services: openServices,
});
