import { startProgram } from '../../core/host/index.js';
import type { BackgroundStart } from '../host-side/background-start.js';

/** A process in a session of its own: neither Ctrl-C nor the end of the terminal reaches it. */
export const backgroundProcess: BackgroundStart = {
  check: () => undefined,
  start: ({ command: [program, ...args], env, outputFile }) =>
    startProgram(program, args, { output: { file: outputFile }, env }),
};
