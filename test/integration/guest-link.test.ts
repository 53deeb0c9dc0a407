import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Logger } from '../../src/core/host/index.js';
import { startLinkServer, type GuestLink, type LinkServer } from '../../src/share/index.js';

const TOKEN = 'planted-token-0123456789';
const GREETING = `${JSON.stringify({ op: 'share-health', token: TOKEN })}\n`;

let server: LinkServer | undefined;
let clients: Socket[] = [];
afterEach(async () => {
  clients.forEach((client) => client.destroy());
  clients = [];
  await server?.close();
});

interface Served {
  readonly links: GuestLink[];
  readonly lines: string[];
  readonly log: () => string;
}

async function serve(token: () => string | undefined = () => TOKEN): Promise<Served> {
  const links: GuestLink[] = [];
  const lines: string[] = [];
  const records: string[] = [];
  const record = (event: string, fields?: object): void => {
    records.push(`${event} ${JSON.stringify(fields)}`);
  };
  const logger: Logger = { debug: record, info: record, warn: record, error: record };
  server = await startLinkServer({
    address: '127.0.0.1',
    port: 0,
    token,
    logger,
    onLink: (link) => {
      links.push(link);
      link.onLine((line) => lines.push(line));
    },
  });
  return { links, lines, log: () => records.join('\n') };
}

async function guest(): Promise<Socket> {
  const client = connect(server?.port ?? 0, '127.0.0.1').setEncoding('utf8');
  clients.push(client);
  client.on('error', () => undefined);
  await once(client, 'connect');
  return client;
}

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("the server for the guest's links", () => {
  test('lines go both ways, whatever the pieces they arrive in', async () => {
    const { links, lines } = await serve();
    const client = await guest();
    const bytes = Buffer.from('one ü\ntwo\n');
    client.write(Buffer.concat([Buffer.from(GREETING), bytes.subarray(0, 2)]));
    await until(() => links.length === 1);
    // Cut inside of the ü.
    client.write(bytes.subarray(2, 5));
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.write(bytes.subarray(5));
    await until(() => lines.length === 2);
    expect(lines).toEqual(['one ü', 'two']);
    links[0]?.send('hello');
    const [answer] = (await once(client, 'data')) as [string];
    expect(answer).toBe('hello\n');
  });

  test.each([
    ['another token', JSON.stringify({ op: 'share-health', token: 'wrong-token-0123456789' })],
    ['another purpose', JSON.stringify({ op: 'expose', token: TOKEN })],
    ['an unknown member', JSON.stringify({ op: 'share-health', token: TOKEN, more: 1 })],
    ['no JSON', 'hello'],
  ])('a greeting with %s is refused, and the token stays out of the log', async (_what, line) => {
    const { links, log } = await serve();
    const client = await guest();
    client.write(`${line}\n`);
    await once(client, 'close');
    expect(links).toEqual([]);
    expect(log()).toContain('share.link.refused');
    expect(log()).not.toContain('token-0123456789');
  });

  test('before the machine has a token, nobody is let in', async () => {
    const { links } = await serve(() => undefined);
    const client = await guest();
    client.write(GREETING);
    await once(client, 'close');
    expect(links).toEqual([]);
  });

  test('a second link of the same purpose takes the place of the first', async () => {
    const { links } = await serve();
    const first = await guest();
    first.write(GREETING);
    await until(() => links.length === 1);
    const second = await guest();
    second.write(GREETING);
    await once(first, 'close');
    await until(() => links.length === 2);
    expect(second.destroyed).toBe(false);
  });

  test('a line that never ends closes the link', async () => {
    await serve();
    const client = await guest();
    client.write(GREETING + 'x'.repeat(40_000));
    await once(client, 'close');
  });

  test('of many connections that say nothing, the oldest are closed', async () => {
    await serve();
    const first = await guest();
    for (let count = 0; count < 16; count++) await guest();
    await once(first, 'close');
  });

  test('dropAll closes every link', async () => {
    const { links } = await serve();
    const client = await guest();
    client.write(GREETING);
    await until(() => links.length === 1);
    server?.dropAll();
    await once(client, 'close');
  });
});
