import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planRenewal, type FoundCertificates } from '../../../src/daemon/certificates/renewal.plan.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2027-03-01T12:00:00Z');
const ID = '5b0cf1f0-58a1-4d0c-8b9d-0c3b8a5f0a55';

/** From a day ago for so many more days. */
function validFor(days: number) {
  return { notBeforeMs: NOW_MS - DAY_MS, notAfterMs: NOW_MS + days * DAY_MS };
}

const fresh: FoundCertificates = {
  authority: { ...validFor(3_649), machineId: ID },
  server: validFor(396),
  client: validFor(396),
};

describe('the plan for the certificates', () => {
  it('keeps what is in order', () => {
    expect(planRenewal(fresh, ID, NOW_MS)).toEqual({ kind: 'keep' });
  });

  it.each<[string, Partial<FoundCertificates>, string]>([
    ['is not there', { authority: undefined }, 'the authority is not usable'],
    [
      'is of another machine',
      { authority: { ...validFor(3_649), machineId: 'other' } },
      'the authority is of another machine',
    ],
    [
      'names no machine',
      { authority: { ...validFor(3_649), machineId: undefined } },
      'the authority is of another machine',
    ],
    ['expires in 30 days', { authority: { ...validFor(30), machineId: ID } }, 'the authority expires soon'],
    ['has expired', { authority: { ...validFor(0), machineId: ID } }, 'the authority has expired'],
    [
      'is not valid yet',
      { authority: { notBeforeMs: NOW_MS + 1, notAfterMs: NOW_MS + 400 * DAY_MS, machineId: ID } },
      'the authority is not valid yet',
    ],
  ])('makes a new authority when the old one %s', (_what, found, reason) => {
    expect(planRenewal({ ...fresh, ...found }, ID, NOW_MS)).toEqual({ kind: 'new authority', reason });
  });

  it.each<[string, Partial<FoundCertificates>, string]>([
    ['the server has none', { server: undefined }, 'the server certificate is not usable'],
    ['the client has none', { client: undefined }, 'the client certificate is not usable'],
    ["the server's expires in 30 days", { server: validFor(30) }, 'the server certificate expires soon'],
    ["the client's has expired", { client: validFor(-1) }, 'the client certificate has expired'],
    [
      "the client's is not valid yet",
      { client: { notBeforeMs: NOW_MS + 1, notAfterMs: NOW_MS + 400 * DAY_MS } },
      'the client certificate is not valid yet',
    ],
  ])('renews the leafs when %s', (_what, found, reason) => {
    expect(planRenewal({ ...fresh, ...found }, ID, NOW_MS)).toEqual({ kind: 'renew leafs', reason });
  });

  it('keeps what is valid for a moment longer than 30 days', () => {
    const justEnough = { notBeforeMs: NOW_MS, notAfterMs: NOW_MS + 30 * DAY_MS + 1 };
    expect(planRenewal({ ...fresh, server: justEnough }, ID, NOW_MS)).toEqual({ kind: 'keep' });
  });

  it('keeps only what is valid now and for 30 days to come', () => {
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
