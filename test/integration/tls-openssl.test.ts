import { once } from 'node:events';
import { beforeAll, describe, expect, it } from 'vitest';
import { run, type RunResult } from '../../src/core/host/index.js';
import { ENGINE_SERVER_NAME, issueLeaf, tlsDial, type Dial } from '../../src/proxy/engine/index.js';
import { testFolder, until, type TestFolder } from '../support/engine-sockets.js';
import { opensslServer, writePair } from '../support/openssl.js';
import { credentialsOf, testMachine, tlsEngine, type TestMachine } from '../support/tls-engine.js';

const DAY_MS = 86_400_000;
const ANY_EXIT_CODE = Array.from({ length: 256 }, (_, code) => code);
const signal = new AbortController().signal;
let machine: TestMachine;
let other: TestMachine;

beforeAll(async () => {
  machine = await testMachine(Date.now(), '0b0f7c1e-5a52-4a3b-9d4c-6f0d0c2f9a11');
  other = await testMachine();
});

async function folderWithPairs(): Promise<TestFolder> {
  const folder = await testFolder();
  await writePair(folder, 'ca', machine.ca);
  await writePair(folder, 'server', machine.server);
  await writePair(folder, 'client', machine.client);
  await writePair(folder, 'other', other.client);
  return folder;
}

describe('openssl, reading the certificates', () => {
  it('accepts the chain by the strict rules, each certificate for its role only', async () => {
    await using folder = await folderWithPairs();
    const verify = async (...args: string[]): Promise<number> => {
      const options = { cwd: folder.path, acceptExitCodes: ANY_EXIT_CODE };
      return (await run('openssl', ['verify', '-x509_strict', '-CAfile', 'ca.pem', ...args], options))
        .exitCode;
    };
    expect(await verify('-purpose', 'sslserver', '-verify_hostname', ENGINE_SERVER_NAME, 'server.pem')).toBe(
      0,
    );
    expect(await verify('-purpose', 'sslclient', 'client.pem')).toBe(0);
    expect(await verify('-purpose', 'sslclient', 'server.pem')).not.toBe(0);
    expect(await verify('-purpose', 'sslserver', 'client.pem')).not.toBe(0);
    expect(await verify('-verify_hostname', 'other.mobyvm.internal', 'server.pem')).not.toBe(0);
    expect(await verify('other.pem')).not.toBe(0);
  });

  it('reads the authority as intended', async () => {
    await using folder = await folderWithPairs();
    const text = await describeCertificate(folder, 'ca.pem');
    expect(text).toContain('Subject: O = mobyvm, CN = mobyvm authority 0b0f7c1e-5a52-4a3b-9d4c-6f0d0c2f9a11');
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0\n/);
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
    expect(text).toMatch(/Subject Key Identifier: \s+[0-9A-F:]{59}\n/);
    expect(text).toContain('Signature Algorithm: ecdsa-with-SHA256');
    expect(text).toContain('ASN1 OID: prime256v1');
  });

  it.each([
    ['server.pem', 'TLS Web Server Authentication'],
    ['client.pem', 'TLS Web Client Authentication'],
  ])('reads %s as intended', async (file, usage) => {
    await using folder = await folderWithPairs();
    const text = await describeCertificate(folder, file);
    const keyIdentifier = /Subject Key Identifier: \s+([0-9A-F:]{59})\n/.exec(
      await describeCertificate(folder, 'ca.pem'),
    )?.[1];
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE\n/);
    expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/);
    expect(text).toMatch(new RegExp(`Extended Key Usage: \\s+${usage}\\n`));
    expect(text).toContain(`Authority Key Identifier: \n                ${keyIdentifier ?? 'none'}\n`);
    expect(text.includes(`DNS:${ENGINE_SERVER_NAME}`)).toBe(file === 'server.pem');
    expect(text).not.toContain('IP Address:');
    expect(text).toContain('ecdsa-with-SHA256');
  });
});

describe('openssl s_client, with an engine that requires certificates', () => {
  const REQUEST = 'GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n';
  const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK';

  async function ask(folder: TestFolder, port: number, ...args: string[]): Promise<RunResult> {
    const where = ['-connect', `127.0.0.1:${port}`, '-servername', ENGINE_SERVER_NAME];
    const trust = ['-CAfile', 'ca.pem', '-verify_return_error', '-verify_hostname', ENGINE_SERVER_NAME];
    return run('openssl', ['s_client', '-quiet', '-ign_eof', ...where, ...trust, ...args], {
      cwd: folder.path,
      input: REQUEST,
      acceptExitCodes: ANY_EXIT_CODE,
    });
  }

  it("gets an answer with the daemon's key, and none with another or no key", async () => {
    await using folder = await folderWithPairs();
    await using engine = await tlsEngine(machine, (socket) => {
      socket.once('data', () => socket.end(ANSWER));
    });
    const good = await ask(folder, engine.port, '-cert', 'client.pem', '-key', 'client-key.pem');
    expect(good.stdout).toBe(ANSWER);
    for (const args of [
      [],
      ['-cert', 'other.pem', '-key', 'other-key.pem'],
      ['-cert', 'server.pem', '-key', 'server-key.pem'],
    ]) {
      const bad = await ask(folder, engine.port, ...args);
      expect(bad.stdout).toBe('');
    }
    expect(engine.handshakes.full).toBe(1);
    await until('no connection to be left', () => engine.carriers.size === 0);
  });
});

describe('a dial to openssl s_server', () => {
  function dialAs(port: number, { ca, client }: Pick<TestMachine, 'ca' | 'client'>): Dial {
    return tlsDial({
      address: () => ({ host: '127.0.0.1', port }),
      credentials: () => credentialsOf({ ca, client }),
      servername: ENGINE_SERVER_NAME,
    });
  }

  async function reversed(dial: Dial, line: string): Promise<string> {
    const socket = await dial(signal);
    try {
      socket.write(`${line}\n`);
      const [answer] = (await once(socket, 'data')) as [Uint8Array];
      return Buffer.from(answer).toString().trim();
    } finally {
      socket.destroy();
    }
  }

  it('is accepted with the certificate of its machine', async () => {
    await using folder = await testFolder();
    await using server = await opensslServer(folder, machine);
    const dial = dialAs(server.port, machine);
    expect(await reversed(dial, 'abc')).toBe('cba');
    expect(await reversed(dial, 'def')).toBe('fed');
  });

  it('is accepted by a server that sends no tickets', async () => {
    await using folder = await testFolder();
    await using server = await opensslServer(folder, machine, ['-num_tickets', '0']);
    const dial = dialAs(server.port, machine);
    expect(await reversed(dial, 'abc')).toBe('cba');
    expect(await reversed(dial, 'def')).toBe('fed');
  });

  it("reports why it is rejected: another machine's certificate", async () => {
    await using folder = await testFolder();
    await using server = await opensslServer(folder, machine);
    await expect(dialAs(server.port, { ca: machine.ca, client: other.client })(signal)).rejects.toMatchObject(
      {
        code: 'MOBYVM_ENGINE_TLS',
        message: expect.stringContaining("rejects mobyvm's certificate") as unknown,
        remedy: expect.stringContaining('mobyvm restart') as unknown,
      },
    );
    expect(await reversed(dialAs(server.port, machine), 'abc')).toBe('cba');
  });

  it('reports why it is rejected: an expired certificate', async () => {
    await using folder = await testFolder();
    await using server = await opensslServer(folder, machine);
    const client = await issueLeaf(machine.ca, { role: 'client', nowMs: Date.now() - 500 * DAY_MS });
    await expect(dialAs(server.port, { ca: machine.ca, client })(signal)).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_TLS',
      message: expect.stringContaining("by the engine's clock") as unknown,
    });
  });

  it('refuses a server of another authority', async () => {
    await using folder = await testFolder();
    await using server = await opensslServer(folder, { ca: machine.ca, server: other.server });
    await expect(dialAs(server.port, machine)(signal)).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_TLS',
      message: expect.stringContaining("is not from this machine's authority") as unknown,
    });
  });
});

async function describeCertificate(folder: TestFolder, file: string): Promise<string> {
  const { stdout } = await run('openssl', ['x509', '-noout', '-text', '-in', file], { cwd: folder.path });
  return stdout;
}
