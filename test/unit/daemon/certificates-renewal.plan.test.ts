import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planRenewal, type FoundCertificates } from '../../../src/daemon/certificates/renewal.plan.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2027-03-01T12:00:00Z');
const ID = '5b0cf1f0-58a1-4d0c-8b9d-0c3b8a5f0a55';

/** A period from a day ago to the given number of days from now. */
function validFor(days: number) {
  return { notBeforeMs: NOW_MS - DAY_MS, notAfterMs: NOW_MS + days * DAY_MS };
}

const fresh: FoundCertificates = {
  authority: { ...validFor(3_649), machineId: ID },
  server: validFor(396),
  client: validFor(396),
};

describe('the renewal plan', () => {
  test('keeps valid certificates', () => {
    expect(planRenewal(fresh, ID, NOW_MS)).toEqual({ kind: 'keep' });
  });

  test.each<[string, Partial<FoundCertificates>, string]>([
    ['is missing', { authority: undefined }, 'the authority is not usable'],
    [
      'belongs to another machine',
      { authority: { ...validFor(3_649), machineId: 'other' } },
      'the authority belongs to another machine',
    ],
    [
      'names no machine',
      { authority: { ...validFor(3_649), machineId: undefined } },
      'the authority belongs to another machine',
    ],
    ['expires in 30 days', { authority: { ...validFor(30), machineId: ID } }, 'the authority expires soon'],
    ['has expired', { authority: { ...validFor(0), machineId: ID } }, 'the authority has expired'],
    [
      'is not valid yet',
      { authority: { notBeforeMs: NOW_MS + 1, notAfterMs: NOW_MS + 400 * DAY_MS, machineId: ID } },
      'the authority is not valid yet',
    ],
  ])('creates a new authority if the old one %s', (_what, found, reason) => {
    expect(planRenewal({ ...fresh, ...found }, ID, NOW_MS)).toEqual({ kind: 'new authority', reason });
  });

  test.each<[string, Partial<FoundCertificates>, string]>([
    ['the server has none', { server: undefined }, 'the server certificate is not usable'],
    ['the client has none', { client: undefined }, 'the client certificate is not usable'],
    ["the server's expires in 30 days", { server: validFor(30) }, 'the server certificate expires soon'],
    ["the client's has expired", { client: validFor(-1) }, 'the client certificate has expired'],
    [
      "the client's is not valid yet",
      { client: { notBeforeMs: NOW_MS + 1, notAfterMs: NOW_MS + 400 * DAY_MS } },
      'the client certificate is not valid yet',
    ],
  ])('renews the leaf certificates if %s', (_what, found, reason) => {
    expect(planRenewal({ ...fresh, ...found }, ID, NOW_MS)).toEqual({ kind: 'renew leafs', reason });
  });

  test('keeps what is valid for slightly longer than 30 days', () => {
    const justEnough = { notBeforeMs: NOW_MS, notAfterMs: NOW_MS + 30 * DAY_MS + 1 };
    expect(planRenewal({ ...fresh, server: justEnough }, ID, NOW_MS)).toEqual({ kind: 'keep' });
  });

  test('keeps only what is valid now and for the next 30 days', () => {
    const validity = fc
      .tuple(fc.integer({ min: -500, max: 500 }), fc.integer({ min: 0, max: 4_000 }))
      .map(([start, days]) => ({
        notBeforeMs: NOW_MS + start * DAY_MS,
        notAfterMs: NOW_MS + (start + days) * DAY_MS,
      }));
    fc.assert(
      fc.property(
        validity,
        fc.option(validity, { nil: undefined }),
        validity,
        (authority, server, client) => {
          const plan = planRenewal(
            { authority: { ...authority, machineId: ID }, server, client },
            ID,
            NOW_MS,
          );
          const isGood = (each: typeof server): boolean =>
            each !== undefined && each.notBeforeMs <= NOW_MS && each.notAfterMs > NOW_MS + 30 * DAY_MS;
          expect(plan.kind === 'keep').toBe([authority, server, client].every(isGood));
        },
      ),
    );
  });
});
