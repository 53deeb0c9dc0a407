import type { Duplex } from 'node:stream';
import { CodecError } from '../../../core/values/index.js';
import { reset } from '../duplex.js';
import type { EngineConnection } from './engine-pool.js';
import { becomesRawStream, isPersistent, responseFraming, type BodyFraming } from './framing.plan.js';
import { decodeResponseHead, type RequestHead, type ResponseHead } from './head.codec.js';
import { FREE_HEAD_BYTES, MemoryShare, type MemoryBudget } from './memory-budget.js';
import { BodyScanner, relayBody, type BodyEnd } from './relay-body.js';
import type { StreamReader } from './stream-reader.js';

export interface ClientSide {
  readonly stream: Duplex;
  readonly reader: StreamReader;
}

export interface Counters {
  toEngine: number;
  toClient: number;
}

export interface Call {
  readonly head: RequestHead;
  /** What the engine gets first: the head as received, or a rewritten one with its whole body. */
  readonly first: Buffer;
  /** The framing of what follows `first` on the client's connection. */
  readonly rest: BodyFraming;
  readonly counters: Counters;
  readonly memory: MemoryBudget;
  /** Delivers a response in another form; undefined to deliver it unchanged. */
  readonly editorFor?: ((response: ResponseHead) => ResponseEditor | undefined) | undefined;
}

/** @returns what relayBody returns */
export type ResponseEditor = (response: {
  readonly raw: Buffer;
  readonly framing: BodyFraming;
}) => Promise<BodyEnd>;

export type ExchangeEnd =
  | {
      readonly kind: 'done';
      readonly status: number;
      readonly isClientReusable: boolean;
      readonly isEngineReusable: boolean;
      /** The client may still be sending its body, and its response ends where its framing says. */
      readonly isEarly: boolean;
    }
  /** Raw bytes follow both ways; the client has the response's head. */
  | { readonly kind: 'raw stream'; readonly status: number }
  /** `isAnswered`: the client has part of a response. `wasTaken`: part of the request's body was sent. */
  | {
      readonly kind: 'engine lost';
      readonly problem: string;
      readonly isAnswered: boolean;
      readonly wasTaken: boolean;
    }
  | { readonly kind: 'bad request'; readonly problem: string }
  | { readonly kind: 'client gone' };

/**
 * Forwards one request and its response at the same time, since the engine may respond before it has read
 * everything. Bytes are forwarded unchanged, including informational responses and trailers. Ends when either
 * stream is closed. Never throws.
 */
export async function exchange(
  client: ClientSide,
  engine: EngineConnection,
  call: Call,
): Promise<ExchangeEnd> {
  const onClose = (): void => void engine.stream.destroy();
  client.stream.once('close', onClose);
  const taken = call.counters.toEngine;
  const upload = send(client, engine, call);
  let isSent = typeof upload === 'string';
  if (typeof upload !== 'string') void upload.then(() => (isSent = true));
  try {
    const end = await receive(client, engine, { call, upload, isSent: () => isSent });
    if (client.stream.destroyed) return { kind: 'client gone' };
    if (end.kind === 'engine lost') engine.stream.destroy();
    // An unfinished upload says nothing, and may never end.
    const uploaded = typeof upload === 'string' || end.kind === 'engine lost' ? await upload : 'done';
    if (uploaded === 'malformed' || uploaded === 'source ended') {
      if (end.kind === 'engine lost' && end.isAnswered) return { kind: 'client gone' };
      if (end.kind === 'engine lost') return { kind: 'bad request', problem: BODY_PROBLEMS[uploaded] };
    }
    if (end.kind !== 'engine lost') return end;
    return { ...end, wasTaken: call.counters.toEngine - taken > call.first.length };
  } finally {
    client.stream.off('close', onClose);
  }
}

const BODY_PROBLEMS = {
  malformed: 'its body is not chunked correctly',
  'source ended': 'it ends within its body',
} as const;

/** Sends head and body, in one write if they arrived in one read. */
function send(client: ClientSide, engine: EngineConnection, call: Call): BodyEnd | Promise<BodyEnd> {
  const { first, rest, counters } = call;
  if (engine.stream.destroyed) return 'sink closed';
  const whole = joined(client.reader, first, rest);
  if (whole !== undefined) {
    counters.toEngine += whole.length;
    engine.stream.write(whole);
    return 'done';
  }
  engine.stream.cork();
  counters.toEngine += first.length;
  engine.stream.write(first);
  const end = relayBody(client.reader, engine.stream, {
    scanner: new BodyScanner(rest),
    onBytes: (count) => (counters.toEngine += count),
  });
  engine.stream.uncork();
  // The engine must notice that the rest of the body will never come. It may answer nevertheless.
  const cut = (how: BodyEnd): void => {
    if (how === 'source ended') engine.stream.end();
    else if (how === 'malformed') reset(engine.stream);
  };
  if (typeof end === 'string') cut(end);
  else void end.then(cut);
  return end;
}

interface Receiving {
  readonly call: Call;
  readonly upload: BodyEnd | Promise<BodyEnd>;
  readonly isSent: () => boolean;
}

async function receive(
  client: ClientSide,
  engine: EngineConnection,
  { call, upload, isSent }: Receiving,
): Promise<ExchangeEnd> {
  const { head, counters } = call;
  for (;;) {
    const share = new MemoryShare(call.memory, FREE_HEAD_BYTES);
    const read = await engine.reader.readHead({ isRequest: false, memory: share });
    share.release();
    if (read.kind !== 'head') return lost(read.kind === 'ended' ? 'it closed the connection' : read.kind);
    let response: ResponseHead;
    let framing: BodyFraming;
    try {
      response = decodeResponseHead(read.text);
      framing = responseFraming(response, head.method);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      return lost(`its response is not HTTP: ${error.message}`);
    }
    if (becomesRawStream(head, response)) {
      // The engine may not read the whole request body: the rest belongs to the stream.
      counters.toClient += read.raw.length;
      client.stream.write(read.raw);
      return { kind: 'raw stream', status: response.status };
    }
    if (response.status < 200) {
      counters.toClient += read.raw.length;
      client.stream.write(read.raw);
      continue;
    }
    const editor = call.editorFor?.(response);
    const delivering =
      editor === undefined
        ? deliver(client, engine, { raw: read.raw, framing, counters })
        : editor({ raw: read.raw, framing });
    const delivered = typeof delivering === 'string' ? delivering : await delivering;
    if (delivered === 'sink closed') return { kind: 'client gone' };
    if (delivered !== 'done') return lost('it closed the connection', true);
    const isLast =
      framing.kind === 'until close' ||
      !isPersistent(response) ||
      !isPersistent(head) ||
      engine.reader.hasEnded;
    const isDone = !isLast && (typeof upload === 'string' ? upload : await upload) === 'done';
    return {
      kind: 'done',
      status: response.status,
      isClientReusable: isDone,
      isEngineReusable: isDone,
      isEarly: !isSent() && framing.kind !== 'until close',
    };
  }
}

function deliver(
  client: ClientSide,
  engine: EngineConnection,
  response: { readonly raw: Buffer; readonly framing: BodyFraming; readonly counters: Counters },
): BodyEnd | Promise<BodyEnd> {
  const { raw, framing, counters } = response;
  const whole = joined(engine.reader, raw, framing);
  counters.toClient += (whole ?? raw).length;
  if (whole !== undefined) {
    client.stream.write(whole);
    return 'done';
  }
  client.stream.cork();
  client.stream.write(raw);
  const end = relayBody(engine.reader, client.stream, {
    scanner: new BodyScanner(framing),
    onBytes: (count) => (counters.toClient += count),
  });
  client.stream.uncork();
  return end;
}

function joined(reader: StreamReader, first: Buffer, rest: BodyFraming): Buffer | undefined {
  if (rest.kind === 'none') return first;
  return rest.kind === 'length' ? reader.joinHeld(first, rest.bytes) : undefined;
}

function lost(problem: string, isAnswered = false): ExchangeEnd {
  return { kind: 'engine lost', problem, isAnswered, wasTaken: false };
}
