#!/usr/bin/env node
import { ProcessEnd } from './daemon/process-end.js';
import { runProgram } from './program.js';

/** The entry of every command. Only entries read the process's arguments and environment. */
const processEnd = new ProcessEnd(process);
processEnd.end(
  await runProgram({
    host: process,
    args: process.argv.slice(2),
    env: process.env,
    entry: import.meta.url,
    processEnd,
  }),
);
