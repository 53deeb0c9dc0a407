import { CodecError } from '../../core/values/index.js';

/**
 * QEMU Machine Protocol (https://www.qemu.org/docs/master/interop/qmp-spec.html): one JSON object (RFC 8259)
 * per line in UTF-8. QEMU ends lines with CR LF and accepts LF. Section numbers below refer to that document.
 */
export type QmpMessage =
  /** §2.2: sent once, when the monitor accepts the connection. */
  | { readonly kind: 'greeting'; readonly version: string; readonly body: JsonObject }
  /** §2.4.1. */
  | { readonly kind: 'return'; readonly id: number | undefined; readonly value: unknown }
  /** §2.4.2. */
  | {
      readonly kind: 'error';
      readonly id: number | undefined;
      readonly errorClass: string;
      readonly description: string;
    }
  /** §2.5. */
  | { readonly kind: 'event'; readonly name: string; readonly data: JsonObject }
  /** An object of an unknown form, kept unchanged. */
  | { readonly kind: 'unknown'; readonly body: JsonObject };

export type JsonObject = Readonly<Record<string, unknown>>;

/** §2.3: a command from the client. */
export interface QmpCommand {
  readonly execute: string;
  readonly arguments?: JsonObject;
  readonly id: number;
}

/** Far above any answer to mobyvm's commands; a longer line means a broken peer. */
export const MAX_QMP_LINE_BYTES = 1024 * 1024;

/** The command with its line ending. */
export function encodeQmpCommand(command: QmpCommand): Uint8Array {
  return lineOf({
    execute: command.execute,
    ...(command.arguments === undefined ? {} : { arguments: command.arguments }),
    id: command.id,
  });
}

/** A message from QEMU with its line ending: the counterpart of {@link decodeQmpMessage}. */
export function encodeQmpMessage(message: QmpMessage): Uint8Array {
  switch (message.kind) {
    case 'greeting':
    case 'unknown':
      return lineOf(message.body);
    case 'return':
      return lineOf({ return: message.value, ...idOf(message.id) });
    case 'error':
      return lineOf({
        error: { class: message.errorClass, desc: message.description },
        ...idOf(message.id),
      });
    case 'event':
      return lineOf({ event: message.name, data: message.data });
  }
}

/**
 * @param line without its line ending
 * @throws CodecError if it is too long or not exactly one JSON object
 */
export function decodeQmpMessage(line: Uint8Array): QmpMessage {
  if (line.length > MAX_QMP_LINE_BYTES) throw lineTooLongError();
  const body = parseObject(line);
  const id = typeof body['id'] === 'number' ? body['id'] : undefined;
  const { QMP: greeting, error, event: name, data } = body;
  if (isObject(greeting)) return { kind: 'greeting', version: versionOf(greeting), body };
  if ('return' in body) return { kind: 'return', id, value: body['return'] };
  if (isObject(error)) {
    return {
      kind: 'error',
      id,
      errorClass: textOr(error['class'], 'GenericError'),
      description: textOr(error['desc'], 'no description given'),
    };
  }
  if (typeof name === 'string') return { kind: 'event', name, data: isObject(data) ? data : {} };
  return { kind: 'unknown', body };
}

/**
 * Appends received bytes to an unfinished line and splits off the complete lines, without line endings.
 * @throws CodecError if a line is too long
 */
export function splitQmpLines(
  unfinished: Uint8Array,
  bytes: Uint8Array,
): { readonly lines: readonly Uint8Array[]; readonly unfinished: Uint8Array } {
  const all = new Uint8Array(unfinished.length + bytes.length);
  all.set(unfinished);
  all.set(bytes, unfinished.length);
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = all.indexOf(LF, start); end >= 0; end = all.indexOf(LF, start)) {
    const line = all.subarray(start, all[end - 1] === CR ? Math.max(end - 1, start) : end);
    if (line.length > 0) lines.push(line);
    start = end + 1;
  }
  if (all.length - start > MAX_QMP_LINE_BYTES) throw lineTooLongError();
  return { lines, unfinished: all.slice(start) };
}

const LF = 0x0a;
const CR = 0x0d;

function lineOf(body: JsonObject): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(body)}\r\n`);
}

function idOf(id: number | undefined): JsonObject {
  return id === undefined ? {} : { id };
}

function parseObject(line: Uint8Array): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
  } catch {
    throw new CodecError('QMP message', 0, 'is not JSON');
  }
  if (!isObject(value)) throw new CodecError('QMP message', 0, 'is not a JSON object');
  return value;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `{version: {qemu: {major, minor, micro}}}` as `7.2.22`; missing numbers count as 0. */
function versionOf(greeting: JsonObject): string {
  const version = isObject(greeting['version']) ? greeting['version'] : {};
  const qemu = isObject(version['qemu']) ? version['qemu'] : {};
  return ['major', 'minor', 'micro']
    .map((part) => (typeof qemu[part] === 'number' ? qemu[part] : 0))
    .join('.');
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function lineTooLongError(): CodecError {
  return new CodecError('QMP line', MAX_QMP_LINE_BYTES, `is longer than ${MAX_QMP_LINE_BYTES} bytes`);
}
