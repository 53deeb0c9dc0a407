import { runService } from './run-service.js';

/** The entry of the Windows service. */
await runService({
  host: process,
  args: process.argv.slice(2),
  env: process.env,
  entry: import.meta.url,
});
