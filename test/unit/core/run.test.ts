import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run, startProgram, waitFor } from '../../../src/core/host/index.js';
import { MobyvmError } from '../../../src/core/values/index.js';

const node = (script: string, ...args: readonly string[]) => ['-e', script, ...args];
const NODE = process.execPath;

describe('run', () => {
  it('gives both outputs and the exit code', async () => {
    const script = 'process.stdout.write("out"); process.stderr.write("err")';
    expect(await run(NODE, node(script))).toMatchObject({ stdout: 'out', stderr: 'err', exitCode: 0 });
  });

  it('passes arguments as they are: no shell reads them', async () => {
    const odd = ['$HOME', '`id`', 'a b', '"', "'", ';', '*', 'é', ''];
    const { stdout } = await run(NODE, node('console.log(JSON.stringify(process.argv.slice(1)))', ...odd));
    expect(JSON.parse(stdout)).toEqual(odd);
  });

  it('passes input, and bears a program that does not read it', async () => {
    const copy = 'process.stdin.pipe(process.stdout)';
    expect((await run(NODE, node(copy), { input: 'grüß' })).stdout).toBe('grüß');
    expect((await run(NODE, node(copy))).stdout).toBe('');
    await run(NODE, node('process.exit(0)'), { input: 'x'.repeat(4_000_000) });
  });

  it('replaces the environment and the folder when told to', async () => {
    const script = 'console.log(JSON.stringify([process.cwd(), process.env.A, process.env.PATH]))';
    const { stdout } = await run(NODE, node(script), { cwd: '/', env: { A: 'b', GONE: undefined } });
    expect(JSON.parse(stdout)).toEqual(['/', 'b', null]);
  });

  it('hands over complete lines of both outputs, also such that came in pieces', async () => {
    const lines: string[] = [];
    const script =
      'process.stdout.write("on"); setTimeout(() => { process.stdout.write("e\\ntw\\u00f6\\n"); console.error("three") }, 20)';
    await run(NODE, node(script), { onLine: (line) => lines.push(line) });
    expect(lines.sort()).toEqual(['one', 'three', 'twö']);
  });

  it('does not wait for what a program leaves running with its outputs', async () => {
    const child = `require('node:child_process').spawn('sleep', ['600'], { detached: true, stdio: 'inherit' })`;
    const { stdout } = await run(NODE, node(`process.stdout.write(String(${child}.pid)); process.exit(0)`));
    process.kill(Number(stdout), 'SIGKILL');
    expect(Number(stdout)).toBeGreaterThan(1);
  });

  it('fails with code, last words and details', async () => {
    const failing = run(NODE, node('console.error("a\\nb\\nc\\nd\\nlast"); process.exit(7)'));
    await expect(failing).rejects.toMatchObject({
      code: 'MOBYVM_PROGRAM_FAILED',
      message: expect.stringMatching(/ended with 7: b\nc\nd\nlast$/) as string,
      details: { program: NODE, exitCode: 7 },
    });
  });

  it('accepts the exit codes that it was told to accept, and then only those', async () => {
    expect(await run(NODE, node('process.exit(7)'), { acceptExitCodes: [0, 7] })).toMatchObject({
      exitCode: 7,
    });
    await expect(run(NODE, node(''), { acceptExitCodes: [7] })).rejects.toMatchObject({
      code: 'MOBYVM_PROGRAM_FAILED',
    });
  });

  it('never shows a secret', async () => {
    const script = 'console.error("password hunter2 refused"); process.exit(1)';
    const error: unknown = await run(NODE, node(script), { secrets: ['hunter2', ''] }).catch(
      (thrown: unknown) => thrown,
    );
    const { message, details } = error as MobyvmError;
    expect(JSON.stringify({ message, details })).not.toContain('hunter2');
    expect(message).toContain('password *** refused');
  });

  it('names a program that is missing', async () => {
    await expect(run('mobyvm-no-such-program', [])).rejects.toMatchObject({
      code: 'MOBYVM_PROGRAM_MISSING',
      details: { program: 'mobyvm-no-such-program' },
    });
  });

  it('says so when a program cannot be started for another reason', async () => {
    await expect(run('/', [])).rejects.toMatchObject({ code: 'MOBYVM_PROGRAM_FAILED' });
  });

  it('ends a program whose time is over', async () => {
    const hanging = run(NODE, node('setInterval(() => {}, 1000)'), { timeoutMs: 150 });
    await expect(hanging).rejects.toMatchObject({ code: 'MOBYVM_PROGRAM_TIMEOUT' });
  });

  it('kills one that ignores the polite signal', async () => {
    const script = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)';
    await expect(run(NODE, node(script), { timeoutMs: 400 })).rejects.toMatchObject({
      code: 'MOBYVM_PROGRAM_TIMEOUT',
    });
  });

  it('is ended by an abort with its reason, and not even started after one', async () => {
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

  it('says which signal ended a program', async () => {
    await expect(run(NODE, node('process.kill(process.pid, "SIGKILL")'))).rejects.toMatchObject({
      message: expect.stringContaining('SIGKILL') as string,
    });
  });

  it('drops what a chatty program prints beyond some megabytes, and reads on', async () => {
    const script =
      'const text = "x".repeat(1 << 20); let n = 0; (function next() { if (n++ < 24) process.stdout.write(text, next) })()';
    const { stdout } = await run(NODE, node(script));
    expect(stdout.length).toBeGreaterThanOrEqual(8 << 20);
    expect(stdout.length).toBeLessThan(10 << 20);
  });
});

describe('startProgram', () => {
  it('starts a program with its own session whose output goes to the file', async () => {
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

  it.each([
    ['exits', 'process.exit(7)', 7],
    ['is killed', "process.kill(process.pid, 'SIGKILL')", 137],
  ])('knows the exit code of a program that %s', async (_how, script, code) => {
    const program = await startProgram(NODE, node(script), { output: { file: '/dev/null' } });
    expect(await program.end()).toBe(code);
    expect(program.exitCode).toBe(code);
    program.signal('SIGTERM');
  });

  it('names a program that is missing', async () => {
    const starting = startProgram('mobyvm-no-such-program', [], { output: { file: '/dev/null' } });
    await expect(starting).rejects.toMatchObject({ code: 'MOBYVM_PROGRAM_MISSING' });
  });
});
