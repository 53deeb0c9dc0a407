import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  createAuthority,
  ENGINE_SERVER_NAME,
  inspectCertifiedKey,
  isLeafOf,
  issueLeaf,
  machineIdOf,
  type CertifiedKey,
  type InspectedKey,
} from '../../../../src/proxy/engine/index.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2027-03-01T12:00:00.750Z');
const MACHINE_ID = '5b0cf1f0-58a1-4d0c-8b9d-0c3b8a5f0a55';
const ca = await createAuthority({ machineId: MACHINE_ID, nowMs: NOW_MS });
const server = await issueLeaf(ca, { role: 'server', nowMs: NOW_MS });
const client = await issueLeaf(ca, { role: 'client', nowMs: NOW_MS });

function inspected(pair: CertifiedKey): InspectedKey {
  const found = inspectCertifiedKey(pair);
  if (found === undefined) throw new RangeError('the pair should be in order');
  return found;
}

describe('a certificate authority', () => {
  it('is valid from a day ago for ten years', () => {
    const { notBeforeMs, notAfterMs } = inspected(ca);
    expect(new Date(notBeforeMs).toISOString()).toBe('2027-02-28T12:00:00.000Z');
    expect((notAfterMs + 1000 - notBeforeMs) / DAY_MS).toBe(3_650);
  });

  it('names its machine, and a leaf does not', () => {
    expect(machineIdOf(inspected(ca))).toBe(MACHINE_ID);
    expect(machineIdOf(inspected(server))).toBeUndefined();
  });

  it('signs itself with ECDSA P-256', () => {
    const { x509 } = inspected(ca);
    expect(x509.verify(x509.publicKey)).toBe(true);
    expect(x509.ca).toBe(true);
    expect(x509.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });

  it.each(['', 'a,CN=other', 'a\nCN=b', 'ü', 'x'.repeat(41)])(
    'is not created for "%s"',
    async (machineId) => {
      await expect(createAuthority({ machineId, nowMs: NOW_MS })).rejects.toMatchObject({
        code: 'MOBYVM_BUG',
      });
    },
  );

  it('can be valid beyond 2050, where certificates write the year in full', async () => {
    const nowMs = Date.parse('2048-06-01T00:00:00Z');
    const late = await createAuthority({ machineId: MACHINE_ID, nowMs });
    expect(new Date(inspected(late).notAfterMs).getUTCFullYear()).toBe(2058);
    const leaf = await issueLeaf(late, { role: 'client', nowMs: Date.parse('2057-01-01T00:00:00Z') });
    expect(new Date(inspected(leaf).notBeforeMs).toISOString()).toBe('2056-12-31T00:00:00.000Z');
  });

  it('leaves nothing behind in the Reflect object', () => {
    expect('getMetadata' in Reflect).toBe(false);
  });
});

describe('a leaf', () => {
  it('is valid from a day ago for 397 days', () => {
    const { notBeforeMs, notAfterMs } = inspected(server);
    expect(new Date(notBeforeMs).toISOString()).toBe('2027-02-28T12:00:00.000Z');
    expect((notAfterMs + 1000 - notBeforeMs) / DAY_MS).toBe(397);
  });

  it('is not valid for longer than its authority', async () => {
    const { notAfterMs } = inspected(ca);
    const leaf = await issueLeaf(ca, { role: 'server', nowMs: notAfterMs - 40 * DAY_MS });
    expect(inspected(leaf).notAfterMs).toBe(notAfterMs);
  });

  it('belongs to its authority in its own role only', async () => {
    const [authority, forServer, forClient] = [inspected(ca), inspected(server), inspected(client)];
    expect(isLeafOf(authority, forServer, 'server')).toBe(true);
    expect(isLeafOf(authority, forClient, 'client')).toBe(true);
    expect(isLeafOf(authority, forServer, 'client')).toBe(false);
    expect(isLeafOf(authority, forClient, 'server')).toBe(false);
    expect(isLeafOf(authority, authority, 'server')).toBe(false);
    // The same machine, and with it the same name, but another key.
    const twin = inspected(await createAuthority({ machineId: MACHINE_ID, nowMs: NOW_MS }));
    expect(isLeafOf(twin, forServer, 'server')).toBe(false);
  });

  it("carries the engine's name and no address", () => {
    expect(inspected(server).x509.subjectAltName).toBe(`DNS:${ENGINE_SERVER_NAME}`);
    expect(inspected(client).x509.subjectAltName).toBeUndefined();
  });

  it('has a serial number that is positive, random and 16 bytes long', async () => {
    const leafs = await Promise.all(
      Array.from({ length: 8 }, () => issueLeaf(ca, { role: 'client', nowMs: NOW_MS })),
    );
    const serials = [ca, server, client, ...leafs].map((pair) => inspected(pair).x509.serialNumber);
    expect(new Set(serials).size).toBe(serials.length);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('is not issued by an authority with another key, and the error contains no key', async () => {
    const issuing = issueLeaf({ ...ca, key: client.key }, { role: 'client', nowMs: NOW_MS });
    await expect(issuing).rejects.toMatchObject({
      code: 'MOBYVM_STATE_FILE',
      message: expect.not.stringContaining('KEY') as unknown,
    });
  });
});

describe('a pair of certificate and key', () => {
  it('is read with Unix and Windows line endings', () => {
    const windows = { certificate: crlf(ca.certificate), key: crlf(ca.key) };
    expect(inspected(windows).x509.fingerprint256).toBe(inspected(ca).x509.fingerprint256);
  });

  it.each<[string, CertifiedKey]>([
    ['has another key', { ...server, key: client.key }],
    ['is empty', { certificate: '', key: '' }],
    ['has the key in place of the certificate', { certificate: server.key, key: server.key }],
    ['has two certificates', { ...server, certificate: server.certificate + ca.certificate }],
    ['has text before the certificate', { ...server, certificate: `x\n${server.certificate}` }],
    ['is far too long', { ...server, certificate: server.certificate + ' '.repeat(20_000) }],
    ['has a key of another kind', { ...server, key: server.key.replaceAll('PRIVATE', 'EC PRIVATE') }],
  ])('is rejected when it %s', (_why, pair) => {
    expect(inspectCertifiedKey(pair)).toBeUndefined();
  });

  it('is rejected when any part of it is missing', () => {
    for (let length = 0; length < server.key.trimEnd().length; length += 7) {
      expect(inspectCertifiedKey({ ...server, key: server.key.slice(0, length) })).toBeUndefined();
    }
    for (let length = 0; length < server.certificate.trimEnd().length; length += 7) {
      const certificate = server.certificate.slice(0, length);
      expect(inspectCertifiedKey({ ...server, certificate })).toBeUndefined();
    }
  });

  it('never throws, whichever character is changed', () => {
    for (let at = 0; at < server.certificate.length; at += 3) {
      const certificate = `${server.certificate.slice(0, at)}A${server.certificate.slice(at + 1)}`;
      const found = inspectCertifiedKey({ ...server, certificate });
      // A changed signature is no matter of the pair; it is seen by isLeafOf.
      if (found === undefined || certificate === server.certificate) continue;
      if (certificate.replaceAll(/\s/g, '') === server.certificate.replaceAll(/\s/g, '')) continue;
      expect(found.x509).toBeInstanceOf(X509Certificate);
      expect(isLeafOf(inspected(ca), found, 'server')).toBe(false);
    }
  });
});

function crlf(text: string): string {
  return text.replaceAll('\n', '\r\n');
}
