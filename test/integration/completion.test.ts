import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { ControlServer } from '../../src/daemon/control/server.js';
import { run } from '../../src/core/host/index.js';
import { compiledSource } from '../support/compiled.js';
import { controlledMachine, serveControl } from '../support/control-server.js';
import { environmentOf } from '../support/instance-folder.js';
import { FakeKvp } from '../support/kvp-fake/index.js';
import { Terminal } from '../support/terminal.js';

/** Each shell with the command that starts it without settings of the user, and the line that loads the script. */
const SHELLS = [
  ['bash', ['bash', '--norc', '--noprofile', '-i'], 'source <(mobyvm completion bash)'],
  ['zsh', ['zsh', '-f', '-i'], 'autoload -U compinit; compinit -u -D; source <(mobyvm completion zsh)'],
  ['fish', ['fish', '--no-config', '-i'], 'mobyvm completion fish | source'],
] as const;

const installed = new Set<string>();
for (const [name] of SHELLS)
  await run(name, ['--version']).then(
    () => installed.add(name),
    () => process.stderr.write(`SKIPPED: ${name} is not installed.\n`),
  );

let folder = '';
let server: ControlServer | undefined;
beforeAll(async () => {
  const main = join(await compiledSource(), 'main.js');
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-completion-'));
  await mkdir(join(folder, 'bin'));
  const program = join(folder, 'bin/mobyvm');
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
  await chmod(program, 0o755);
  const kvp = new FakeKvp();
  const item = { name: 'greeting with blank', value: 'x', secret: false };
  await kvp.set([item], new AbortController().signal);
  server = await serveControl(join(folder, 'control.sock'), { machine: controlledMachine({ kvp }) });
}, 300_000);
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

function environment(): NodeJS.ProcessEnv {
  const path = `${folder}/bin:${process.env['PATH'] ?? ''}`;
  return { PATH: path, HOME: folder, LANG: 'C.UTF-8', ...environmentOf(folder) };
}

describe.each(SHELLS)('in %s', (name, command, load) => {
  test.runIf(installed.has(name))('Tab completes commands, options, values and items', async () => {
    await using terminal = await Terminal.start(command, { env: environment(), columns: 100, rows: 40 });
    await terminal.enter(`${load}; echo load"ed"`);
    await terminal.shows(/^loaded$/m);
    const completed = async (typed: string, pattern: RegExp): Promise<void> => {
      await terminal.type(typed);
      await terminal.press('Tab');
      await terminal.shows(pattern);
      // Not Ctrl-C, which also drops what is typed after it.
      await terminal.press('C-u');
    };
    await completed('mobyvm diagn', /mobyvm diagnose/);
    await completed('mobyvm status --tim', /mobyvm status --timings/);
    await completed('mobyvm kvp list --pool intr', /--pool intrinsic/);
    await completed('mobyvm kvp remove gree', /remove greeting\\ with\\ blank/);
    await completed('mobyvm share set', /mobyvm share set-credentials/);
  });
});
