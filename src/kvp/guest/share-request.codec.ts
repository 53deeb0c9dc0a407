import { CodecError } from '../../core/values/index.js';
import {
  decodeFields,
  encodeFields,
  listedTexts,
  optionalText,
  requiredText,
  utf8Field,
  type Field,
} from './fields.codec.js';

/**
 * A request to mount a host folder in the guest, or to unmount it: body of the transfer `mobyvm.share.ID`
 * (fields.codec.ts, kind `mobyvm-share` 1). The share's id is in the transfer's name, the request's in its header;
 * the answer is a guest result with the errno of mount.cifs.
 *
 * Where the `cifsmount` item of 2016 had five lines, a fixed server, text that reached a shell and no answer but "no more
 * items", this one has named, versioned fields, the whole UNC, values that are checked here and encoded on their way,
 * and an answer with a reason.
 */
export type ShareRequest = MountRequest | UmountRequest;

export interface MountRequest {
  readonly op: 'mount';
  /** `//HOST/SHARE[/PATH]` */
  readonly unc: string;
  /** 1-8 absolute paths: the first is mounted, the others are bound to it. */
  readonly points: readonly string[];
  /** Empty: as a guest. */
  readonly user: string;
  readonly domain: string;
  /** Options of mount.cifs(8), each without a comma; never a password. */
  readonly options: readonly string[];
  /** Secret. At most 512 characters (mount.cifs refuses more); no NUL and no line end. */
  readonly password: string;
}

export interface UmountRequest {
  readonly op: 'umount';
  readonly points: readonly string[];
}

const KIND = 'mobyvm-share';
const VERSION = 1;
const MAX_POINTS = 8;
const MAX_OPTIONS = 64;

/** @throws CodecError that never holds the password, for a malformed value */
export function encodeShareRequest(request: ShareRequest): Uint8Array {
  checkRequest(request);
  const points = request.points.map((point) => utf8Field('point', point));
  const fields: readonly Field[] =
    request.op === 'umount'
      ? points
      : [
          utf8Field('unc', request.unc),
          ...points,
          utf8Field('user', request.user),
          utf8Field('domain', request.domain),
          ...request.options.map((option) => utf8Field('option', option)),
          utf8Field('password', request.password),
        ];
  return encodeFields({ kind: KIND, version: VERSION, fields: [utf8Field('op', request.op), ...fields] });
}

/** @throws CodecError for another kind or version, missing or malformed fields */
export function decodeShareRequest(body: Uint8Array): ShareRequest {
  const { kind, version, fields } = decodeFields(body);
  if (kind !== KIND || version !== VERSION) throw new CodecError('kind', 0, `is not ${KIND} ${VERSION}`);
  const op = requiredText(fields, 'op');
  const points = listedTexts(fields, 'point');
  const request = op === 'mount' ? mountOf(fields, points) : umountOf(op, points);
  checkRequest(request);
  return request;
}

function mountOf(fields: readonly Field[], points: readonly string[]): MountRequest {
  return {
    op: 'mount',
    unc: requiredText(fields, 'unc'),
    points,
    user: optionalText(fields, 'user') ?? '',
    domain: optionalText(fields, 'domain') ?? '',
    options: listedTexts(fields, 'option'),
    password: optionalText(fields, 'password') ?? '',
  };
}

function umountOf(op: string, points: readonly string[]): UmountRequest {
  if (op !== 'umount') throw new CodecError('op', 0, 'is neither mount nor umount');
  return { op, points };
}

// Control characters have no business in any of these; commas would begin another option.
const UNC = /^\/\/[^/\p{Cc}]{1,255}\/[^\p{Cc}]{1,512}$/u;
const USER = /^[^\p{Cc}]{0,256}$/u;
const OPTION = /^[^,\p{Cc}]{1,256}$/u;
const PASSWORD = /^[^\0\r\n]{0,512}$/;

function checkRequest(request: ShareRequest): void {
  checkForm('points', request.points.length >= 1 && request.points.length <= MAX_POINTS);
  checkForm('point', request.points.every(isPlainPath));
  if (request.op === 'umount') return;
  checkForm('unc', UNC.test(request.unc) && isPlainPath(request.unc.slice(1)));
  checkForm('user', USER.test(request.user));
  checkForm('domain', USER.test(request.domain));
  checkForm('options', request.options.length <= MAX_OPTIONS);
  checkForm(
    'option',
    request.options.every((option) => OPTION.test(option) && !/^pass/i.test(option)),
  );
  checkForm('password', PASSWORD.test(request.password));
  for (const text of [...request.points, request.unc, request.user, request.domain, request.password]) {
    checkForm('text', !/\p{Surrogate}/u.test(text));
  }
}

/** Absolute, and the same as it would be after resolving: no empty part, no `.`, no `..`. */
function isPlainPath(path: string): boolean {
  const [first, ...parts] = path.split('/');
  const isPlain = parts.every((part) => part !== '' && part !== '.' && part !== '..');
  return first === '' && parts.length > 0 && isPlain && path.length <= 1_024 && !/\p{Cc}/u.test(path);
}

function checkForm(field: string, holds: boolean): void {
  if (!holds) throw new CodecError(field, 0, 'is malformed');
}
