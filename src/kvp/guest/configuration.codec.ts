import { CodecError } from '../../core/values/index.js';
import { decodeFields, encodeFields, optionalText, utf8Field, type Field } from './fields.codec.js';
import { formatTime, parseTime } from './time-request.codec.js';

/**
 * The guest's configuration after its boot: the body of the transfer `mobyvm.config` (fields.codec.ts, kind
 * `mobyvm-config` 1). Absent fields stay unchanged in the guest.
 */
export interface GuestConfiguration {
  /** Secret: the machine's token, 16-128 of `[A-Za-z0-9_-]`. */
  readonly token?: string;
  /** dockerd's daemon.json, the text of one JSON object. */
  readonly daemonJson?: string;
  /** PEM: the authority that signs the client's and the server's certificates. */
  readonly caCertificate?: string;
  readonly serverCertificate?: string;
  /** Secret, PEM. */
  readonly serverKey?: string;
  /** One label of a host name (RFC 1123 §2.1), lower case. */
  readonly hostName?: string;
  /** How long the host waits for the guest's shutdown, whole seconds: 1-9999. */
  readonly stopSeconds?: number;
  /** Size of the swap space in the guest's memory, MiB: 1-9999999. */
  readonly swapMiB?: number;
  /** Ids of the shares that the host is about to mount, at most 64: the guest's engine waits for them. */
  readonly shares?: readonly string[];
  /** Milliseconds since 1970, UTC; sent as seconds with three decimals. */
  readonly timeMs?: number;
}

const KIND = 'mobyvm-config';
const VERSION = 1;

const PEM =
  /^-----BEGIN [A-Z ]{1,40}-----\n[A-Za-z0-9+/=\n]{1,16384}-----END [A-Z ]{1,40}-----(?:\n[A-Za-z0-9+/=\n -]{0,32768})?$/;

const FORMS = {
  token: { key: 'token', isWell: (text) => /^[A-Za-z0-9_-]{16,128}$/.test(text) },
  daemonJson: { key: 'daemon-json', isWell: isJsonObject },
  caCertificate: { key: 'ca-cert', isWell: (text) => PEM.test(text) },
  serverCertificate: { key: 'server-cert', isWell: (text) => PEM.test(text) },
  serverKey: { key: 'server-key', isWell: (text) => PEM.test(text) },
  hostName: { key: 'host-name', isWell: (text) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(text) },
} satisfies Record<Exclude<keyof GuestConfiguration, 'timeMs' | 'stopSeconds' | 'swapMiB' | 'shares'>, Form>;

interface Form {
  readonly key: string;
  readonly isWell: (text: string) => boolean;
}

const TEXT_NAMES = Object.keys(FORMS) as (keyof typeof FORMS)[];
const STOP_SECONDS = /^[1-9][0-9]{0,3}$/;
const SWAP_MIB = /^[1-9][0-9]{0,6}$/;
const SHARE = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_SHARES = 64;

/** @throws CodecError, without the value, if a field is malformed or there are no fields */
export function encodeGuestConfiguration(configuration: GuestConfiguration): Uint8Array {
  const fields: Field[] = [];
  for (const name of TEXT_NAMES) {
    const text = configuration[name];
    if (text !== undefined) fields.push(utf8Field(FORMS[name].key, checked(name, text)));
  }
  const { stopSeconds, swapMiB } = configuration;
  if (stopSeconds !== undefined)
    fields.push(utf8Field('stop-seconds', numberText('stop-seconds', stopSeconds, STOP_SECONDS)));
  if (swapMiB !== undefined) fields.push(utf8Field('swap-mib', numberText('swap-mib', swapMiB, SWAP_MIB)));
  if (configuration.shares !== undefined && configuration.shares.length > 0)
    fields.push(utf8Field('shares', checkedShares(configuration.shares).join(' ')));
  if (configuration.timeMs !== undefined) fields.push(utf8Field('time', formatTime(configuration.timeMs)));
  if (fields.length === 0) throw new CodecError('configuration', 0, 'is empty');
  return encodeFields({ kind: KIND, version: VERSION, fields });
}

/** @throws CodecError for another kind or version, or a malformed value. Unknown keys are ignored. */
export function decodeGuestConfiguration(body: Uint8Array): GuestConfiguration {
  const { kind, version, fields } = decodeFields(body);
  if (kind !== KIND || version !== VERSION) throw new CodecError('kind', 0, `is not ${KIND} ${VERSION}`);
  const time = optionalText(fields, 'time');
  const stopSeconds = optionalNumber(fields, 'stop-seconds', STOP_SECONDS);
  const swapMiB = optionalNumber(fields, 'swap-mib', SWAP_MIB);
  const shares = optionalText(fields, 'shares');
  const texts = TEXT_NAMES.flatMap((name) => {
    const text = optionalText(fields, FORMS[name].key);
    return text === undefined ? [] : [[name, checked(name, text)] as const];
  });
  return {
    ...Object.fromEntries(texts),
    ...(stopSeconds === undefined ? {} : { stopSeconds }),
    ...(swapMiB === undefined ? {} : { swapMiB }),
    ...(shares === undefined ? {} : { shares: checkedShares(shares.split(' ')) }),
    ...(time === undefined ? {} : { timeMs: parseTime(time) }),
  };
}

/** The texts that must not appear in anything that is shown. */
export function secretsOf({ token, serverKey }: GuestConfiguration): readonly string[] {
  const keyLines = (serverKey ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
  return [...(token === undefined ? [] : [token]), ...keyLines];
}

function checked(name: keyof typeof FORMS, text: string): string {
  if (!FORMS[name].isWell(text)) throw new CodecError(FORMS[name].key, 0, 'is malformed');
  return text;
}

function checkedShares(shares: readonly string[]): readonly string[] {
  if (shares.length > MAX_SHARES || !shares.every((id) => SHARE.test(id)))
    throw new CodecError('shares', 0, 'is malformed');
  return shares;
}

function numberText(key: string, value: number, form: RegExp): string {
  const text = String(value);
  if (!form.test(text)) throw new CodecError(key, 0, `${text} is out of range`);
  return text;
}

function optionalNumber(fields: readonly Field[], key: string, form: RegExp): number | undefined {
  const text = optionalText(fields, key);
  if (text === undefined) return undefined;
  if (!form.test(text)) throw new CodecError(key, 0, 'is malformed');
  return Number(text);
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
