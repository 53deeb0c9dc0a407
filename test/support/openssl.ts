import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertifiedKey } from '../../src/proxy/engine/index.js';
import { until, type TestFolder } from './engine-sockets.js';
import type { TestMachine } from './tls-engine.js';

/** Puts a pair where openssl finds it, as `<name>.pem` and `<name>-key.pem`. */
export async function writePair(folder: TestFolder, name: string, pair: CertifiedKey): Promise<void> {
  await writeFile(join(folder.path, `${name}.pem`), pair.certificate);
  await writeFile(join(folder.path, `${name}-key.pem`), pair.key, { mode: 0o600 });
}

/** `openssl s_server` on loopback, which requires a certificate as dockerd does; it sends each line back, reversed. */
export interface OpensslServer extends AsyncDisposable {
  readonly port: number;
}

export async function opensslServer(
  folder: TestFolder,
  machine: Pick<TestMachine, 'ca' | 'server'>,
  more: readonly string[] = [],
): Promise<OpensslServer> {
  await writePair(folder, 'ca', machine.ca);
  await writePair(folder, 'server', machine.server);
  const args = ['s_server', '-accept', '127.0.0.1:0', '-rev', '-Verify', '1', '-verify_return_error'];
  const files = ['-CAfile', 'ca.pem', '-cert', 'server.pem', '-key', 'server-key.pem'];
  const child = spawn('openssl', [...args, ...files, ...more], { cwd: folder.path });
  let output = '';
  child.stdout.on('data', (chunk: Uint8Array) => (output += Buffer.from(chunk).toString()));
  child.stderr.resume();
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  try {
    await until('openssl to listen', () => /^ACCEPT .*:\d+$/m.test(output));
  } catch (error) {
    await stop();
    throw error;
  }
  return { port: Number(/^ACCEPT .*:(\d+)$/m.exec(output)?.[1]), [Symbol.asyncDispose]: stop };
}
