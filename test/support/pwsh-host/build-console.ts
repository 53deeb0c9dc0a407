import { consoleProgram } from './console-program.js';

/** Global set-up of the powershell tier: the console is built once, and a failure ends the tier at once. */
export async function setup(): Promise<void> {
  await consoleProgram();
}
