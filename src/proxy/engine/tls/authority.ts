import { createPrivateKey, KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { MobyvmError } from '../../../core/values/index.js';
import { inspectCertifiedKey, type CertifiedKey, type InspectedKey } from './certified-key.js';
import { loadX509, type X509Library } from './x509-library.js';

/** The name in the engine's certificate. Not an address, because the address changes with the subnet. */
export const ENGINE_SERVER_NAME = 'engine.mobyvm.internal';

export type LeafRole = 'server' | 'client';

const DAY_MS = 86_400_000;

/**
 * Certificates are valid from this long before their creation: the guest's clock may be behind the host's.
 */
const BACKDATED_MS = DAY_MS;

const AUTHORITY_DAYS = 3_650;

/**
 * From notBefore to notAfter, inclusive: RFC 5280 §4.1.2.5,
 * https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5. Some TLS clients reject longer ones:
 * https://support.apple.com/en-us/102028.
 */
const LEAF_DAYS = 397;

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * RFC 5280 §4.1.2.2 (https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.2) allows 20. All but the first are
 * random.
 */
const SERIAL_BYTES = 16;

const USAGE_OF: Readonly<Record<LeafRole, { readonly oid: string; readonly commonName: string }>> = {
  // RFC 5280 §4.2.1.12: id-kp-serverAuth, id-kp-clientAuth.
  server: { oid: '1.3.6.1.5.5.7.3.1', commonName: ENGINE_SERVER_NAME },
  client: { oid: '1.3.6.1.5.5.7.3.2', commonName: 'mobyvm daemon' },
};

export interface AuthorityRequest {
  /** A UUID. Part of the subject, so that certificates of another machine are recognized. */
  readonly machineId: string;
  /** Milliseconds since 1970 by the host's clock. */
  readonly nowMs: number;
}

export interface LeafRequest {
  readonly role: LeafRole;
  readonly nowMs: number;
}

/**
 * Creates a certificate authority for one machine: ECDSA P-256 with SHA-256, valid for ten years, only for
 * signing leaf certificates (RFC 5280 §4.2.1.3 and §4.2.1.9,
 * https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1).
 * @throws MobyvmError MOBYVM_BUG if the machine id is invalid
 */
export async function createAuthority({ machineId, nowMs }: AuthorityRequest): Promise<CertifiedKey> {
  const library = await loadX509();
  const keys = await newKeys();
  const { X509CertificateGenerator, BasicConstraintsExtension, KeyUsagesExtension, KeyUsageFlags } = library;
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: newSerial(),
      name: [{ O: ['mobyvm'] }, { CN: [authorityNameOf(machineId)] }],
      ...validity(nowMs, AUTHORITY_DAYS),
      keys,
      signingAlgorithm: ECDSA,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await library.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: pemOf(certificate), key: exportKey(keys.privateKey) };
}

/**
 * Creates a key and a certificate for one role, valid for 397 days but not longer than the authority itself.
 * The server's certificate is for {@link ENGINE_SERVER_NAME}.
 * @throws MobyvmError MOBYVM_STATE_FILE if the authority's certificate and key cannot be used
 */
export async function issueLeaf(
  authority: CertifiedKey,
  { role, nowMs }: LeafRequest,
): Promise<CertifiedKey> {
  const issuer = inspectCertifiedKey(authority);
  if (issuer === undefined) throw unusableAuthorityError();
  const library = await loadX509();
  const keys = await newKeys();
  const { notBefore, notAfter } = validity(nowMs, LEAF_DAYS);
  const certificate = await library.X509CertificateGenerator.create(
    {
      serialNumber: newSerial(),
      subject: [{ O: ['mobyvm'] }, { CN: [USAGE_OF[role].commonName] }],
      issuer: new library.X509Certificate(authority.certificate).subjectName,
      notBefore,
      notAfter: new Date(Math.min(notAfter.getTime(), issuer.notAfterMs)),
      publicKey: keys.publicKey,
      signingKey: await importSigningKey(authority.key),
      signingAlgorithm: ECDSA,
      extensions: await leafExtensions(library, { role, keys, issuer: authority.certificate }),
    },
    webcrypto,
  );
  return { certificate: pemOf(certificate), key: exportKey(keys.privateKey) };
}

/** Returns the id of the machine whose authority this is; undefined if it is not mobyvm's. */
export function machineIdOf({ x509 }: InspectedKey): string | undefined {
  if (!x509.ca) return undefined;
  return /^CN=mobyvm authority ([0-9A-Za-z-]{1,40})$/m.exec(x509.subject)?.[1];
}

/** Whether the authority issued the leaf for this role and the current name of the engine. */
export function isLeafOf(authority: InspectedKey, { x509 }: InspectedKey, role: LeafRole): boolean {
  return (
    x509.checkIssued(authority.x509) &&
    x509.verify(authority.x509.publicKey) &&
    !x509.ca &&
    x509.keyUsage.includes(USAGE_OF[role].oid) &&
    (role === 'client' || x509.checkHost(ENGINE_SERVER_NAME, { subject: 'never' }) !== undefined)
  );
}

function authorityNameOf(machineId: string): string {
  // A common name has at most 64 characters, and machineIdOf must find the id in it.
  if (!/^[0-9A-Za-z-]{1,40}$/.test(machineId)) {
    throw new MobyvmError('MOBYVM_BUG', `"${machineId}" is not a machine id.`, '');
  }
  return `mobyvm authority ${machineId}`;
}

interface LeafIdentity {
  readonly role: LeafRole;
  readonly keys: webcrypto.CryptoKeyPair;
  /** The authority's certificate, PEM. */
  readonly issuer: string;
}

async function leafExtensions(library: X509Library, { role, keys, issuer }: LeafIdentity) {
  const { publicKey: issuerKey } = new library.X509Certificate(issuer);
  return [
    new library.BasicConstraintsExtension(false, undefined, true),
    new library.KeyUsagesExtension(library.KeyUsageFlags.digitalSignature, true),
    new library.ExtendedKeyUsageExtension([USAGE_OF[role].oid]),
    await library.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
    await library.AuthorityKeyIdentifierExtension.create(issuerKey, false, webcrypto),
    ...(role === 'server'
      ? [new library.SubjectAlternativeNameExtension([{ type: 'dns', value: ENGINE_SERVER_NAME }])]
      : []),
  ];
}

/** In whole seconds, as in a certificate. */
function validity(nowMs: number, days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const startMs = Math.floor((nowMs - BACKDATED_MS) / 1000) * 1000;
  return { notBefore: new Date(startMs), notAfter: new Date(startMs + days * DAY_MS - 1000) };
}

function newSerial(): string {
  // The first byte keeps it positive and its length fixed: DER drops leading zeros.
  return `40${randomBytes(SERIAL_BYTES - 1).toString('hex')}`;
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify']);
}

async function importSigningKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, ECDSA, false, ['sign']);
}

function exportKey(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function pemOf(certificate: InstanceType<X509Library['X509Certificate']>): string {
  return `${certificate.toString('pem').trimEnd()}\n`;
}

function unusableAuthorityError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_STATE_FILE',
    'The certificate authority is unusable: its certificate or key is damaged, or they do not match.',
    'Run `mobyvm restart` to create a new authority and certificates.',
  );
}
