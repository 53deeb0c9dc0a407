import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { framesOf } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { Dial } from './availability.js';
import {
  askEngineApi,
  begin,
  complete,
  noAnswerError,
  parsed,
  type EngineRequest,
} from './engine-request.js';
import { outputLine, type OutputLine } from './output-line.plan.js';

export interface OutputOptions {
  readonly dial: Dial;
  /** Id or name. */
  readonly container: string;
  /** How many of the lines that there are already. */
  readonly tail: number;
  readonly onLine: (line: OutputLine) => void;
  readonly signal: AbortSignal;
}

/** Of the question whether the container has a terminal. */
const TIMEOUT_MS = 5_000;
/** A longer line is passed on in parts. */
const MAX_LINE_CHARACTERS = 4 * 1024;

const detailsSchema = z.looseObject({ Config: z.looseObject({ Tty: z.boolean() }) });

/**
 * Follows what a container prints:
 * https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container/operation/ContainerLogs.
 * Resolves when the container ends, or when it has no output any more.
 * @throws MobyvmError MOBYVM_ENGINE_UNREACHABLE, also if there is no such container; the signal's reason if aborted
 */
export async function followOutput({ dial, container, tail, onLine, signal }: OutputOptions): Promise<void> {
  const path = `/containers/${encodeURIComponent(container)}`;
  const details = get(`${path}/json`);
  const answer = await askEngineApi(details, { dial, timeoutMs: TIMEOUT_MS }, signal);
  const { Tty: hasTerminal } = parsed(details, detailsSchema, answer.body).Config;
  const asked = get(`${path}/logs?follow=1&stdout=1&stderr=1&timestamps=1&tail=${tail}`);
  const engine = await dial(signal);
  const close = (): void => void engine.destroy();
  signal.addEventListener('abort', close, { once: true });
  try {
    const incoming = await begin(asked, engine, signal);
    if (incoming.statusCode !== 200) await complete(asked, incoming);
    await (hasTerminal ? readPlain(incoming, onLine) : readFramed(incoming, onLine));
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof MobyvmError ? error : noAnswerError(asked, textOf(error), error);
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

function get(path: string): EngineRequest {
  return { method: 'GET', path, accepts: [200] };
}

/** A terminal has one stream, without frames. */
async function readPlain(incoming: IncomingMessage, onLine: OutputOptions['onLine']): Promise<void> {
  const lines = new LineSplitter('stdout', onLine);
  incoming.on('data', (bytes: Buffer) => lines.take(bytes));
  await finished(incoming);
  lines.end();
}

/** The second stream is standard error. */
async function readFramed(incoming: IncomingMessage, onLine: OutputOptions['onLine']): Promise<void> {
  const output = new LineSplitter('stdout', onLine);
  const errors = new LineSplitter('stderr', onLine);
  for await (const { type, payload } of framesOf(incoming)) (type === 2 ? errors : output).take(payload);
  output.end();
  errors.end();
}

/** Cuts a stream into lines. A character may be split over two pieces. */
class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(
    readonly stream: OutputLine['stream'],
    readonly onLine: OutputOptions['onLine'],
  ) {}

  take(bytes: Uint8Array): void {
    const parts = `${this.#rest}${this.#decoder.write(Buffer.from(bytes))}`.split('\n');
    this.#rest = parts.pop() ?? '';
    for (const each of parts) this.#give(each);
    if (this.#rest.length <= MAX_LINE_CHARACTERS) return;
    this.#give(this.#rest);
    this.#rest = '';
  }

  end(): void {
    if (this.#rest !== '') this.#give(this.#rest);
    this.#rest = '';
  }

  #give(text: string): void {
    this.onLine(outputLine(this.stream, text.slice(0, MAX_LINE_CHARACTERS)));
    for (let at = MAX_LINE_CHARACTERS; at < text.length; at += MAX_LINE_CHARACTERS)
      this.onLine({ at: undefined, stream: this.stream, text: text.slice(at, at + MAX_LINE_CHARACTERS) });
  }
}
