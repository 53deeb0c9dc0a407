import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { MobyvmError } from '../../core/values/index.js';
import type { GuestLink, LinkPurpose } from './guest-link.js';

/** The longest line that the guest may send: a path of 4,096 bytes, escaped. */
const MAX_LINE_CHARACTERS = 32_768;

/** A link over a TCP connection. Until it is greeted it has no purpose, and hands out only its first line. */
export class SocketLink implements GuestLink {
  readonly #socket: Socket;
  readonly #decoder = new StringDecoder('utf8');
  #text = '';
  #purpose: LinkPurpose | undefined;
  #greeting: ((line: string) => void) | undefined;
  readonly #lines: ((line: string) => void)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => this.#take(this.#decoder.write(chunk)));
    socket.on('end', () => socket.destroy());
  }

  get isGreeted(): boolean {
    return this.#purpose !== undefined;
  }

  get purpose(): LinkPurpose {
    if (this.#purpose === undefined)
      throw new MobyvmError('MOBYVM_BUG', 'A link was used before its greeting.', '');
    return this.#purpose;
  }

  onGreeting(listener: (line: string) => void): void {
    this.#greeting = listener;
  }

  greeted(purpose: LinkPurpose): void {
    this.#purpose = purpose;
  }

  onLine(listener: (line: string) => void): void {
    this.#lines.push(listener);
  }

  onClose(listener: () => void): void {
    this.#socket.once('close', listener);
  }

  send(line: string): boolean {
    if (this.#socket.destroyed) return true;
    return this.#socket.write(`${line}\n`);
  }

  async drained(): Promise<void> {
    if (this.#socket.destroyed || !this.#socket.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#text += text;
    for (let end = this.#text.indexOf('\n'); end >= 0; end = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      if (this.#socket.destroyed) return;
      if (this.isGreeted) for (const listener of this.#lines) listener(line);
      else this.#greeting?.(line);
    }
    if (this.#text.length > MAX_LINE_CHARACTERS) this.close();
  }
}
