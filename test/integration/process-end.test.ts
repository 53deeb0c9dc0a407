import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { compiledSource } from '../support/compiled.js';

let source = '';
beforeAll(async () => {
  source = await compiledSource();
}, 120_000);

/** A daemon in small: it holds the lock, and its work is over. */
async function endOf(leftOpen: string) {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-end-'));
  const script = `
    import { createServer } from 'node:net';
    import { linuxProcessTable } from '${source}/core/host/index.js';
    import { fileLock } from '${source}/daemon/process-lock.js';
    import { ProcessEnd } from '${source}/daemon/process-end.js';
    const lock = await fileLock('${folder}/daemon.lock', linuxProcessTable).take();
    const end = new ProcessEnd(process, 100);
    end.atExit(() => lock.releaseAtExit());
    end.mustCome((resources) => console.log('held by', resources.join()));
    ${leftOpen}
    end.end(3);`;
  try {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output, left: await readdir(folder) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('a daemon that has finished', () => {
  test.each([
    [
      'a server',
      "await new Promise((done) => createServer().listen(0, '127.0.0.1', done));",
      'TCPServerWrap',
    ],
    ['a timer', 'setInterval(() => undefined, 1000);', 'Timeout'],
  ])(
    'exits although %s was left open, reports what it was, and releases its lock',
    async (_what, open, resource) => {
      const { code, output, left } = await endOf(open);
      expect(code).toBe(3);
      expect(output).toMatch(/^held by /);
      expect(output).toContain(resource);
      expect(left).toEqual([]);
    },
  );

  test('exits at once if nothing is open', async () => {
    const { code, output, left } = await endOf('');
    expect({ code, output, left }).toEqual({ code: 3, output: '', left: [] });
  });
});
