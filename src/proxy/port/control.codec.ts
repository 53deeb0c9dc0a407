/**
 * The protocol between the guest's port proxy and the host: one JSON object per line, in UTF-8. The guest is
 * not trusted: names, types, ranges and lengths are checked, and unknown members are refused.
 *
 *   guest: {"op":"expose","token":"…","renew":false,"proto":"tcp","hostIp":"0.0.0.0","hostPort":8080,
 *           "containerIp":"172.17.0.2","containerPort":80,"relayPort":40123}      (`relayPort` is optional)
 *   host:  {"ok":true,"hairpin":true} | {"ok":false,"relay":true} | {"ok":false,"error":"…"}
 *   guest: {"op":"release"}      before it closes the connection, to release the port at once
 */
import { z } from 'zod';
import { CodecError } from '../../core/values/index.js';
import type { PortRequest } from './port-request.js';

/** Longer lines are refused without reading them to the end. */
export const MAX_LINE_BYTES = 1_024;
/** The size of the guest program's buffer for a reason. */
const MAX_REASON_CHARACTERS = 500;

export interface Expose {
  readonly token: string;
  /** The port was requested before, on a connection that was lost. */
  readonly isRenewal: boolean;
  readonly request: PortRequest;
}

export type GuestMessage =
  { readonly kind: 'expose'; readonly expose: Expose } | { readonly kind: 'release' };

/** An answer to a request that was granted, or needs another form. */
export type Exposed =
  /**
   * `hairpin`: what asks for the port in the VM, at the host's address on the switch, is to reach the container.
   */
  | { readonly kind: 'ok'; readonly hairpin: boolean }
  /** The host cannot reach the container by the host port, so the guest asks again with a relay port. */
  | { readonly kind: 'relay' };

export type HostAnswer = Exposed | { readonly kind: 'error'; readonly reason: string };

const port = z.int().min(1).max(65_535);
/** Looks like an address; whether it is one shows when it is listened on. */
const address = z.string().regex(/^[0-9a-f.:]{2,45}$/);

const exposeSchema = z.strictObject({
  op: z.literal('expose'),
  token: z.string().min(1).max(128),
  renew: z.boolean(),
  proto: z.enum(['tcp', 'udp', 'sctp']),
  hostIp: address,
  hostPort: port,
  containerIp: address,
  containerPort: port,
  relayPort: port.optional(),
});
const messageSchema = z.discriminatedUnion('op', [
  exposeSchema,
  z.strictObject({ op: z.literal('release') }),
]);

/** @throws CodecError with a message that can be sent to the guest */
export function decodeGuestMessage(line: string): GuestMessage {
  const parsed = messageSchema.safeParse(jsonOf(line));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join('.') ?? '';
    throw new CodecError(field === '' ? 'message' : field, 0, issue?.message ?? 'malformed');
  }
  if (parsed.data.op === 'release') return { kind: 'release' };
  const { token, renew, proto, hostIp, hostPort, containerIp, containerPort, relayPort } = parsed.data;
  if (proto === 'sctp') throw new CodecError('proto', 0, 'SCTP ports cannot be published on the host');
  return {
    kind: 'expose',
    expose: {
      token,
      isRenewal: renew,
      request: { protocol: proto, hostIp, hostPort, containerIp, containerPort, relayPort },
    },
  };
}

/** Encodes like the guest's program does; for clients in tests. */
export function encodeGuestMessage(message: GuestMessage): string {
  if (message.kind === 'release') return '{"op":"release"}\n';
  const { token, isRenewal: renew, request } = message.expose;
  const { protocol: proto, hostIp, hostPort, containerIp, containerPort, relayPort } = request;
  const ports = { hostIp, hostPort, containerIp, containerPort, relayPort };
  return `${JSON.stringify({ op: 'expose', token, renew, proto, ...ports })}\n`;
}

/**
 * Encodes one line. Truncates a reason and strips control characters from it: the guest's program only undoes
 * `\"` and `\\`.
 */
export function encodeHostAnswer(answer: HostAnswer): string {
  if (answer.kind === 'ok') return `{"ok":true,"hairpin":${answer.hairpin}}\n`;
  if (answer.kind === 'relay') return '{"ok":false,"relay":true}\n';
  // Truncated first, because that may leave half of a surrogate pair, which is then stripped.
  const reason = answer.reason
    .slice(0, MAX_REASON_CHARACTERS)
    .replaceAll(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, ' ');
  return `${JSON.stringify({ ok: false, error: reason })}\n`;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new CodecError('message', 0, 'not JSON');
  }
}
