import { ProcessEnd } from '../../../../src/daemon/process-end.js';
import { runProgram } from '../../../../src/program.js';
import { openServices } from './open-services.js';

/** As src/main.ts. */
const processEnd = new ProcessEnd(process);
processEnd.end(
  await runProgram({
    host: process,
    args: process.argv.slice(2),
    env: process.env,
    entry: import.meta.url,
    processEnd,
    services: openServices,
  }),
);
