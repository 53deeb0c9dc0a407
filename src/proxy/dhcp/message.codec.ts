import {
  ByteReader,
  ByteWriter,
  CodecError,
  ipv4FromBytes,
  ipv4ToBytes,
  type Ipv4,
} from '../../core/values/index.js';
import { OptionCode } from './option-code.js';
import { decodeOptions, encodeOptions, type DhcpOptions } from './options.codec.js';

/** One Ethernet frame; clients that do not negotiate a size send at most 576 bytes. */
export const MAX_MESSAGE_BYTES = 1_500;
/**
 * The size of a BOOTP message (https://www.rfc-editor.org/rfc/rfc951#section-3); old clients drop shorter
 * ones.
 */
const MIN_MESSAGE_BYTES = 300;
/** The fixed fields and the magic cookie. */
export const FIXED_BYTES = 240;

const MAGIC_COOKIE = 0x63825363;
const BROADCAST_FLAG = 0x8000;
const CHADDR_BYTES = 16;
const SNAME_BYTES = 64;
const FILE_BYTES = 128;

export interface DhcpMessage {
  /** 1 is a request (client to server), 2 a reply. */
  readonly op: number;
  /** 1 is Ethernet. */
  readonly hardwareType: number;
  /** Significant bytes of `clientHardwareAddress`: 6 for Ethernet, at most 16. */
  readonly hardwareLength: number;
  readonly hops: number;
  readonly transactionId: number;
  /** Seconds since the client began. */
  readonly seconds: number;
  /** The client cannot receive unicast packets yet. */
  readonly broadcast: boolean;
  /** The fifteen reserved bits behind the broadcast flag; preserved. */
  readonly reservedFlags: number;
  /** `ciaddr`: the address that the client uses already, or 0.0.0.0. */
  readonly clientAddress: Ipv4;
  /** `yiaddr`: the address that the server assigns. */
  readonly yourAddress: Ipv4;
  /** `siaddr`: the server of the next boot stage. */
  readonly nextServerAddress: Ipv4;
  /** `giaddr`: the relay, or 0.0.0.0. */
  readonly relayAddress: Ipv4;
  /** `chaddr`, all 16 bytes. */
  readonly clientHardwareAddress: Uint8Array;
  /** `sname`, 64 bytes; zeros if it was overloaded with options. */
  readonly serverName: Uint8Array;
  /** `file`, 128 bytes; zeros if it was overloaded with options. */
  readonly bootFile: Uint8Array;
  /** From all fields. Without option 52, since no field is overloaded in the result. */
  readonly options: DhcpOptions;
}

/**
 * Decodes a DHCP message (https://www.rfc-editor.org/rfc/rfc2131#section-2):
 *
 *     op:u8 htype:u8 hlen:u8 hops:u8 xid:u32 secs:u16 flags:u16 ciaddr:4 yiaddr:4 siaddr:4 giaddr:4
 *     chaddr:16 sname:64 file:128 cookie:u32 options…
 *
 * With option 52, `file` and then `sname` hold more options:
 * https://www.rfc-editor.org/rfc/rfc2131#section-4.1
 * @throws CodecError also for plain BOOTP, which has no magic cookie or no options
 */
export function decodeMessage(bytes: Uint8Array): DhcpMessage {
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new CodecError('message', MAX_MESSAGE_BYTES, `has ${bytes.length} bytes, more than are accepted`);
  }
  const reader = new ByteReader(bytes);
  const op = reader.u8('op');
  const hardwareType = reader.u8('htype');
  const hardwareLength = reader.u8('hlen');
  if (hardwareLength > CHADDR_BYTES) throw new CodecError('hlen', 2, `${hardwareLength} is over 16`);
  const hops = reader.u8('hops');
  const transactionId = reader.u32('xid');
  const seconds = reader.u16('secs');
  const flags = reader.u16('flags');
  const address = (field: string): Ipv4 => ipv4FromBytes(reader.take(4, field));
  const fixed = {
    clientAddress: address('ciaddr'),
    yourAddress: address('yiaddr'),
    nextServerAddress: address('siaddr'),
    relayAddress: address('giaddr'),
    clientHardwareAddress: reader.take(CHADDR_BYTES, 'chaddr'),
  };
  const sname = reader.take(SNAME_BYTES, 'sname');
  const file = reader.take(FILE_BYTES, 'file');
  const cookie = reader.u32('magic cookie');
  if (cookie !== MAGIC_COOKIE) throw new CodecError('magic cookie', 236, `is 0x${cookie.toString(16)}`);
  const own = decodeOptions(reader.take(reader.remaining, 'options'));
  return {
    op,
    hardwareType,
    hardwareLength,
    hops,
    transactionId,
    seconds,
    ...fixed,
    broadcast: (flags & BROADCAST_FLAG) !== 0,
    reservedFlags: flags & ~BROADCAST_FLAG,
    ...withOverload(own, sname, file),
  };
}

/**
 * Encodes with all options behind the cookie, padded to the 300 bytes of BOOTP. Never overloads fields
 * (option 52): the caller leaves out what exceeds the client's maximum message size.
 */
export function encodeMessage(message: DhcpMessage): Uint8Array {
  const writer = new ByteWriter()
    .u8(message.op)
    .u8(message.hardwareType)
    .u8(message.hardwareLength)
    .u8(message.hops)
    .u32(message.transactionId)
    .u16(message.seconds)
    .u16((message.broadcast ? BROADCAST_FLAG : 0) | (message.reservedFlags & ~BROADCAST_FLAG))
    .put(ipv4ToBytes(message.clientAddress))
    .put(ipv4ToBytes(message.yourAddress))
    .put(ipv4ToBytes(message.nextServerAddress))
    .put(ipv4ToBytes(message.relayAddress))
    .put(fixedLength(message.clientHardwareAddress, CHADDR_BYTES, 'chaddr'))
    .put(fixedLength(message.serverName, SNAME_BYTES, 'sname'))
    .put(fixedLength(message.bootFile, FILE_BYTES, 'file'))
    .u32(MAGIC_COOKIE)
    .put(encodeOptions(message.options));
  return writer.zeros(Math.max(0, MIN_MESSAGE_BYTES - writer.length)).done();
}

function withOverload(
  own: DhcpOptions,
  sname: Uint8Array,
  file: Uint8Array,
): Pick<DhcpMessage, 'options' | 'serverName' | 'bootFile'> {
  const overload = own.get(OptionCode.overload)?.[0] ?? 0;
  if (overload > 3) throw new CodecError('overload', FIXED_BYTES, `${overload} is not 1, 2 or 3`);
  const inFile = (overload & 1) !== 0;
  const inSname = (overload & 2) !== 0;
  let options = own;
  if (inFile) options = decodeOptions(file, options);
  if (inSname) options = decodeOptions(sname, options);
  return {
    options: new Map([...options].filter(([code]) => code !== OptionCode.overload)),
    serverName: inSname ? new Uint8Array(SNAME_BYTES) : sname,
    bootFile: inFile ? new Uint8Array(FILE_BYTES) : file,
  };
}

function fixedLength(bytes: Uint8Array, length: number, field: string): Uint8Array {
  if (bytes.length > length) throw new CodecError(field, length, `has ${bytes.length} bytes, ${length} fit`);
  const whole = new Uint8Array(length);
  whole.set(bytes);
  return whole;
}
