import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compiledSource } from '../support/compiled.js';

let folder = '';
let main = '';
beforeEach(async () => {
  main = join(await compiledSource(), 'main.js');
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-closed-'));
  for (const name of ['daemon', 'console']) await writeFile(join(folder, `${name}.log`), 'one\ntwo\n');
}, 120_000);
afterEach(() => rm(folder, { recursive: true }));

function environment(): NodeJS.ProcessEnv {
  const own = Object.fromEntries(
    ['STATE_DIR', 'RUN_DIR', 'LOG_DIR'].map((name) => [`MOBYVM_${name}`, folder]),
  );
  return { ...process.env, ...own, MOBYVM_SETTINGS: join(folder, 'settings.json') };
}

async function shell(script: string): Promise<{ output: string; errors: string }> {
  const child = spawn('sh', ['-c', script], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await once(child, 'close');
  return { output, errors };
}

describe('a command that follows something, and whose reader is gone', () => {
  test.each(['logs --follow', 'console --follow', 'status --watch', 'status --watch --json'])(
    '%s ends although nothing new is printed (docker/compose#3880)',
    async (line) => {
      // `head` ends at the first line; the shell says how the command before it ended.
      const script = `("${process.execPath}" "${main}" ${line}; echo "code $?" >&2) | head -n 1`;
      const shell = spawn('sh', ['-c', script], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
      let [output, errors] = ['', ''];
      shell.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      shell.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
      await once(shell, 'close');
      expect(errors).toMatch(/^code (0|141)\n$/);
      expect(output.split('\n')).toHaveLength(2);
    },
  );

  test.each(['logs --follow', 'status --watch'])('%s ends on a socket as well', async (line) => {
    // Node.js gives its children sockets.
    const child = spawn(process.execPath, [main, ...line.split(' ')], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
  });

  test('logs of many lines ends quietly when its reader has seen enough', async () => {
    const line = JSON.stringify({ time: '2026-11-29T07:00:00.000Z', level: 'info', event: 'dns.test' });
    await writeFile(join(folder, 'daemon.log'), `${line}\n`.repeat(50_000));
    const script = `("${process.execPath}" "${main}" logs -n 50000; echo "code $?" >&2) | head -n 1`;
    expect(await shell(script)).toEqual({
      output: '2026-11-29T07:00:00.000Z info  dns.test\n',
      errors: expect.stringMatching(/^code (0|141)\n$/) as unknown,
    });
  });

  test('logs with a closed standard output ends quietly', async () => {
    const script = `"${process.execPath}" "${main}" logs >&-; echo "code $?" >&2`;
    expect(await shell(script)).toEqual({ output: '', errors: 'code 0\n' });
  });

  test('a closed standard error does not end it', async () => {
    const script = `"${process.execPath}" "${main}" logs 2>&-`;
    const shell = spawn('sh', ['-c', script], { env: environment(), stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    shell.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    const [code] = (await once(shell, 'close')) as [number | null];
    expect({ code, output }).toEqual({ code: 0, output: 'one\ntwo\n' });
  });
});
