import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const Command = z.object({
  execute: z.string(),
  arguments: z.record(z.string(), z.unknown()).optional(),
  id: z.number(),
});

export type QmpCall = z.infer<typeof Command>;

const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 1, "minor": 2, "major": 9}}, "capabilities": []}}\r\n';

/** A QMP peer scripted by the test: `answer` returns the text to send for a command, or undefined. */
export class ScriptedQmp implements AsyncDisposable {
  readonly calls: QmpCall[] = [];
  readonly #server: Server;
  readonly #folder: string;
  readonly #clients = new Set<Socket>();

  private constructor(folder: string, answer: Answer, greeting: string) {
    this.#folder = folder;
    this.#server = createServer((client) => {
      this.#clients.add(client);
      client.on('error', () => undefined);
      client.write(greeting);
      let text = '';
      client.on('data', (bytes) => {
        text += bytes.toString();
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) this.#take(Command.parse(JSON.parse(line)), client, answer);
      });
    });
  }

  static async listen(answer: Answer = () => undefined, greeting = GREETING): Promise<ScriptedQmp> {
    const peer = new ScriptedQmp(await mkdtemp(join(tmpdir(), 'mvt-qmp-')), answer, greeting);
    await new Promise<void>((resolve) => void peer.#server.listen(peer.path, resolve));
    return peer;
  }

  get path(): string {
    return join(this.#folder, 'qmp.sock');
  }

  /** Sends text to the connected client. */
  say(text: string): void {
    for (const client of this.#clients) client.write(text);
  }

  hangUp(): void {
    for (const client of this.#clients) client.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => void this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #take(call: QmpCall, client: Socket, answer: Answer): void {
    this.calls.push(call);
    const text = call.execute === 'qmp_capabilities' ? returning(call, {}) : answer(call);
    if (text !== undefined) client.write(text);
  }
}

type Answer = (call: QmpCall) => string | undefined;

export function returning(call: QmpCall, value: unknown): string {
  return `${JSON.stringify({ return: value, id: call.id })}\r\n`;
}
