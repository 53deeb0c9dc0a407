import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAnswer } from '../../src/powershell/answer.codec.js';
import { textLiteral } from '../../src/powershell/literal.codec.js';
import { PREAMBLE } from '../../src/powershell/render.plan.js';
import { SecretSeal } from '../../src/powershell/seal-secret.js';
import { consoleProgram, LANGUAGE_MODES } from '../support/pwsh-host/console-program.js';

const seal = new SecretSeal();
const STRINGS = 5_000;

/** PowerShell's own engine, asked without a session between. */
class Engine {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(program: string, languageMode: string) {
    const own = { ...seal.environment, PWSH_HOST_LANGUAGE_MODE: languageMode, NO_COLOR: '1', TERM: 'dumb' };
    const words = ['-NoProfile', '-NonInteractive', '-Command', '-'];
    this.#child = spawn(program, words, { env: { ...process.env, ...own } });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    for (const line of PREAMBLE) this.#child.stdin.write(`${line}\n`);
  }

  /** The text of what an expression gives. */
  async textOf(expression: string): Promise<string | undefined> {
    const rows = `@{rows=@(@{text=(ConvertTo-MobyvmText ${expression})})}`;
    this.#child.stdin.write(`ConvertTo-Json -InputObject (${rows}) -Compress -Depth 6\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the engine has ended');
    const answer = decodeAnswer(line.value, { text: 'text' });
    return answer.kind === 'rows' ? answer.rows[0]?.text : answer.failure.message;
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}

describe.each(LANGUAGE_MODES)("PowerShell's engine in %s", (languageMode) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = new Engine(await consoleProgram(), languageMode);
  });
  afterAll(() => engine.close());

  it(`reads ${STRINGS} literals as the texts that they were made from, and gives them back`, async () => {
    const nasty = '\'"`$\n\r\0\t;|&(){}[]@#%‘’‚‛“”„–—\u2028\u2029\ufeff\ud800\udc00'.split('');
    const text = fc
      .array(
        fc.oneof(
          fc.constantFrom(...nasty),
          fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
          fc.string(),
        ),
        { maxLength: 30 },
      )
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(text, async (each) => {
        expect(await engine.textOf(textLiteral(each))).toBe(each);
      }),
      { numRuns: STRINGS },
    );
  }, 300_000);

  it('converts dates and enums to text that does not depend on language or version', async () => {
    expect(await engine.textOf("([datetime]'2026-11-26T10:00:00Z')")).toMatch(/^2026-11-26T10:00:00\.0+Z$/);
    expect(await engine.textOf('$null')).toBeUndefined();
    expect(await engine.textOf('$true')).toBe('True');
  });

  it('reads sealed text', async () => {
    for (const text of ['<INSTANCE CLASSNAME="x">pä$s\'"`w😀rd</INSTANCE>', 'x'.repeat(4_000), ' ']) {
      const expression = `([pscredential]::new('x',${seal.expressionFor(text)})).GetNetworkCredential().Password`;
      expect(await engine.textOf(expression)).toBe(text);
    }
  });

  it('writes sealed text', async () => {
    for (const text of ['<INSTANCE>pä$s\'"`w😀rd\0</INSTANCE>', 'x'.repeat(4_000), ' ']) {
      const sealed = await engine.textOf(`(ConvertTo-MobyvmSealed ${textLiteral(text)})`);
      expect(sealed).not.toContain(text);
      expect(seal.open(sealed ?? '')).toBe(text);
    }
  });

  it('keeps the key only in a SecureString', async () => {
    expect(await engine.textOf('$mobyvmKey')).toBe('System.Security.SecureString');
    expect(seal.expressionFor('x')).toMatch(/-SecureKey \$mobyvmKey -ErrorAction Stop\)$/);
  });

  it('reads a secret that was sealed for it', async () => {
    const secret = 'pä$s\'"`w😀rd';
    const expression = seal.expressionFor(secret);
    for (const form of ['utf8', 'utf16le'] as const)
      expect(expression).not.toContain(Buffer.from(secret, form).toString('base64').slice(0, 8));
    expect(expression).not.toContain(secret);
    expect(await engine.textOf(`${expression}.GetType().FullName`)).toBe('System.Security.SecureString');
    const length = `${expression}.Length`;
    expect(await engine.textOf(length)).toBe(String(secret.length));
  });
});
