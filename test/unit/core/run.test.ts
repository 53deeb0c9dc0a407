import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run, startProgram, waitFor } from '../../../src/core/host/index.js';
import { MobyvmError } from '../../../src/core/values/index.js';

const node = (script: string, ...args: readonly string[]) => ['-e', script, ...args];
const NODE = process.execPath;

describe('run', () => {
  test('returns both outputs and the exit code', async () => {
    const script = 'process.stdout.write("out"); process.stderr.write("err")';
    expect(await run(NODE, node(script))).toMatchObject({ stdout: 'out', stderr: 'err', exitCode: 0 });
  });

  test('passes arguments unchanged, without a shell', async () => {
    const odd = ['$HOME', '`id`', 'a b', '"', "'", ';', '*', 'é', ''];
    const { stdout } = await run(NODE, node('console.log(JSON.stringify(process.argv.slice(1)))', ...odd));
    expect(JSON.parse(stdout)).toEqual(odd);
  });

  test('passes input, and tolerates a program that does not read it', async () => {
    const copy = 'process.stdin.pipe(process.stdout)';
    expect((await run(NODE, node(copy), { input: 'grüß' })).stdout).toBe('grüß');
    expect((await run(NODE, node(copy))).stdout).toBe('');
    await run(NODE, node('process.exit(0)'), { input: 'x'.repeat(4_000_000) });
  });

  test('replaces the environment and the working directory on request', async () => {
    const script = 'console.log(JSON.stringify([process.cwd(), process.env.A, process.env.PATH]))';
    const { stdout } = await run(NODE, node(script), { cwd: '/', env: { A: 'b', GONE: undefined } });
    expect(JSON.parse(stdout)).toEqual(['/', 'b', null]);
  });

  test('emits complete lines of both outputs, even if they arrive in pieces', async () => {
    const lines: string[] = [];
    const script =
      'process.stdout.write("on"); setTimeout(() => { process.stdout.write("e\\ntw\\u00f6\\n"); console.error("three") }, 20)';
    await run(NODE, node(script), { onLine: (line) => lines.push(line) });
    expect(lines.sort()).toEqual(['one', 'three', 'twö']);
  });

  test('does not wait for children that keep the outputs open', async () => {
    const child = `require('node:child_process').spawn('sleep', ['600'], { detached: true, stdio: 'inherit' })`;
    const { stdout } = await run(NODE, node(`process.stdout.write(String(${child}.pid)); process.exit(0)`));
    process.kill(Number(stdout), 'SIGKILL');
    expect(Number(stdout)).toBeGreaterThan(1);
  });

  test('fails with the exit code, the last lines of output and details', async () => {
    const failing = run(NODE, node('console.error("a\\nb\\nc\\nd\\nlast"); process.exit(7)'));
    await expect(failing).rejects.toMatchObject({
      code: 'MOBYVM_PROGRAM_FAILED',
      message: expect.stringMatching(/failed with exit code 7: b\nc\nd\nlast$/) as string,
      details: { program: NODE, exitCode: 7 },
    });
  });

  test('accepts exactly the given exit codes', async () => {
    expect(await run(NODE, node('process.exit(7)'), { acceptExitCodes: [0, 7] })).toMatchObject({
      exitCode: 7,
    });
    await expect(run(NODE, node(''), { acceptExitCodes: [7] })).rejects.toMatchObject({
      code: 'MOBYVM_PROGRAM_FAILED',
    });
  });

  test('never shows a secret', async () => {
    const script = 'console.error("password hunter2 refused"); process.exit(1)';
    const error: unknown = await run(NODE, node(script), { secrets: ['hunter2', ''] }).catch(
      (thrown: unknown) => thrown,
    );
    const { message, details } = error as MobyvmError;
    expect(JSON.stringify({ message, details })).not.toContain('hunter2');
    expect(message).toContain('password *** refused');
  });

  test('names a missing program', async () => {
    await expect(run('mobyvm-no-such-program', [])).rejects.toMatchObject({
      code: 'MOBYVM_PROGRAM_MISSING',
      details: { program: 'mobyvm-no-such-program' },
    });
  });

  test('reports any other reason why a program cannot be started', async () => {
    await expect(run('/', [])).rejects.toMatchObject({ code: 'MOBYVM_PROGRAM_FAILED' });
  });

  test('ends a program that exceeds its timeout', async () => {
    const hanging = run(NODE, node('setInterval(() => {}, 1000)'), { timeoutMs: 150 });
    await expect(hanging).rejects.toMatchObject({ code: 'MOBYVM_PROGRAM_TIMEOUT' });
  });

  test('kills a program that ignores SIGTERM', async () => {
    const script = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)';
    await expect(run(NODE, node(script), { timeoutMs: 400 })).rejects.toMatchObject({
      code: 'MOBYVM_PROGRAM_TIMEOUT',
    });
  });

  test('rejects with the reason of an abort, and starts nothing after one', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new MobyvmError('MOBYVM_ABORTED', 'Stop.', '');
    const running = run(NODE, node('console.log("up"); setInterval(() => {}, 1000)'), {
      signal,
      onLine: () => controller.abort(reason),
    });
    await expect(running).rejects.toBe(reason);
    await expect(run('mobyvm-no-such-program', [], { signal })).rejects.toBe(reason);
  });

  test('names the signal that killed a program', async () => {
    await expect(run(NODE, node('process.kill(process.pid, "SIGKILL")'))).rejects.toMatchObject({
      message: expect.stringContaining('SIGKILL') as string,
    });
  });

  test('drops output beyond a few megabytes but keeps reading', async () => {
    const script =
      'const text = "x".repeat(1 << 20); let n = 0; (function next() { if (n++ < 24) process.stdout.write(text, next) })()';
    const { stdout } = await run(NODE, node(script));
    expect(stdout.length).toBeGreaterThanOrEqual(8 << 20);
    expect(stdout.length).toBeLessThan(10 << 20);
  });
});

describe('startProgram', () => {
  test('starts a program with its own session whose output goes to the file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-run-'));
    try {
      const logFile = join(folder, 'log');
      const { pid } = await startProgram(
        NODE,
        node('console.log("pid", process.pid); console.error("end")'),
        {
          output: { file: logFile },
        },
      );
      await waitFor(
        {
          title: 'its last line',
          timeoutSeconds: 20,
          hint: '',
          everyMs: 20,
          check: async () => (await readFile(logFile, 'utf8')).includes('end'),
        },
        new AbortController().signal,
      );
      expect(await readFile(logFile, 'utf8')).toContain(`pid ${pid}\n`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test.each([
    ['exits', 'process.exit(7)', 7],
    ['is killed', "process.kill(process.pid, 'SIGKILL')", 137],
  ])('knows the exit code of a program that %s', async (_how, script, code) => {
    const program = await startProgram(NODE, node(script), { output: { file: '/dev/null' } });
    expect(await program.end()).toBe(code);
    expect(program.exitCode).toBe(code);
    program.signal('SIGTERM');
  });

  test('names a program that is missing', async () => {
    const starting = startProgram('mobyvm-no-such-program', [], { output: { file: '/dev/null' } });
    await expect(starting).rejects.toMatchObject({ code: 'MOBYVM_PROGRAM_MISSING' });
  });
});
