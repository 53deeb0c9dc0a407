import { createPrivateKey, KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { MobyvmError } from '../../../core/values/index.js';
import { inspectCertifiedKey, type CertifiedKey, type InspectedKey } from './certified-key.js';
import { loadX509, type X509Library } from './x509-library.js';

/** The name that the engine's certificate carries. Not an address: the subnet may change, and with it the address. */
export const ENGINE_SERVER_NAME = 'engine.mobyvm.internal';

export type LeafRole = 'server' | 'client';

const DAY_MS = 86_400_000;

/** Certificates begin to be valid this long before they are made: the guest's clock may be behind the host's. */
const BACKDATED_MS = DAY_MS;

const AUTHORITY_DAYS = 3_650;

/** From notBefore to notAfter, both included (RFC 5280 §4.1.2.5); what is longer, some TLS clients do not take. */
const LEAF_DAYS = 397;

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** RFC 5280 §4.1.2.2 allows 20 bytes. All but the first are random. */
const SERIAL_BYTES = 16;

const USAGE_OF: Readonly<Record<LeafRole, { readonly oid: string; readonly commonName: string }>> = {
  // RFC 5280 §4.2.1.12: id-kp-serverAuth, id-kp-clientAuth.
  server: { oid: '1.3.6.1.5.5.7.3.1', commonName: ENGINE_SERVER_NAME },
  client: { oid: '1.3.6.1.5.5.7.3.2', commonName: 'mobyvm daemon' },
};

export interface AuthorityRequest {
  /** Stands in the subject, so that certificates of another machine are told apart. A UUID. */
  readonly machineId: string;
  /** Milliseconds since 1970 by the host's clock. */
  readonly nowMs: number;
}

export interface LeafRequest {
  readonly role: LeafRole;
  readonly nowMs: number;
}

/**
 * Makes a certificate authority for one machine: ECDSA P-256 with SHA-256, valid for ten years, good for signing
 * leafs and nothing else (RFC 5280 §4.2.1.3, §4.2.1.9).
 * @throws MobyvmError MOBYVM_BUG when the id is no id
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
 * Makes a key and has the authority certify it for one role, for 397 days, but never for longer than the authority
 * itself is valid. The server's certificate is for {@link ENGINE_SERVER_NAME}.
 * @throws MobyvmError MOBYVM_STATE_FILE when the authority's certificate and key cannot be used
 */
export async function issueLeaf(
  authority: CertifiedKey,
  { role, nowMs }: LeafRequest,
): Promise<CertifiedKey> {
  const issuer = inspectCertifiedKey(authority);
  if (issuer === undefined) throw unusableAuthority();
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

/** Whether the certificate is a machine's authority, and whose. */
export function machineIdOf({ x509 }: InspectedKey): string | undefined {
  if (!x509.ca) return undefined;
  return /^CN=mobyvm authority ([0-9A-Za-z-]{1,40})$/m.exec(x509.subject)?.[1];
}

/** Whether the authority issued the leaf for this role, under the name that the engine has now. */
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
  // The common name has room for 64 characters, and machineIdOf has to find the id in it again.
  if (!/^[0-9A-Za-z-]{1,40}$/.test(machineId)) {
    throw new MobyvmError('MOBYVM_BUG', `"${machineId}" is not the id of a machine.`, '');
  }
  return `mobyvm authority ${machineId}`;
}

interface LeafToBe {
  readonly role: LeafRole;
  readonly keys: webcrypto.CryptoKeyPair;
  /** The authority's certificate, PEM. */
  readonly issuer: string;
}

async function leafExtensions(library: X509Library, { role, keys, issuer }: LeafToBe) {
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

/** Whole seconds: a certificate has no others. */
function validity(nowMs: number, days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const startMs = Math.floor((nowMs - BACKDATED_MS) / 1000) * 1000;
  return { notBefore: new Date(startMs), notAfter: new Date(startMs + days * DAY_MS - 1000) };
}

function newSerial(): string {
  // The first byte makes it neither negative nor shorter: DER drops leading zeros.
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

function unusableAuthority(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_STATE_FILE',
    'The certificate and the key of the certificate authority are damaged or do not belong together.',
    'Run `mobyvm restart`: a new authority is made, and the guest gets its certificate.',
  );
}
