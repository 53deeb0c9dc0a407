import { describe, expect, test } from 'vitest';
import { fitOfSaved, type GivenToGuest } from '../../../src/daemon/machine/saved-fit.plan.js';

const GIVEN: GivenToGuest = {
  image: '70 bytes of May',
  settings: { 'vm.cpus': '2', 'vm.accelerator': 'tcg', 'image.directory': '/image/mobyvm.iso' },
  credentials: 'one',
  shares: ['drive-c', 'drive-d'],
};

/** What the next start wants: the same, but for these settings. */
function wanted(changes: Partial<GivenToGuest>, settings: GivenToGuest['settings'] = {}): GivenToGuest {
  return { ...GIVEN, ...changes, settings: { ...GIVEN.settings, ...settings } };
}

describe('a saved guest', () => {
  test.each<[string, GivenToGuest]>([
    ['nothing has changed', GIVEN],
    ['any accelerator will do', wanted({}, { 'vm.accelerator': 'auto' })],
    ['a share was added', wanted({ shares: ['drive-c', 'drive-d', 'drive-e'] })],
    ['a setting is new that was not recorded', wanted({}, { 'vm.new': '1' })],
  ])('is resumed if %s', (_when, next) => {
    expect(fitOfSaved(GIVEN, next)).toEqual({ kind: 'resume' });
  });

  test.each<[string, GivenToGuest, RegExp]>([
    ['its hardware', wanted({}, { 'vm.cpus': '4' }), /^vm\.cpus changed$/],
    ['its accelerator', wanted({}, { 'vm.accelerator': 'kvm' }), /^vm\.accelerator changed$/],
    ['its certificates', wanted({ credentials: 'two' }), /certificates/],
    ['its shares, of which one was removed,', wanted({ shares: ['drive-d'] }), /drive-c/],
    [
      'the folder of its image',
      wanted({ image: '80 bytes of June' }, { 'image.directory': '/other/mobyvm.iso' }),
      /^image\.directory changed$/,
    ],
  ])('is shut down if %s changed', (_what, next, because) => {
    const fit = fitOfSaved(GIVEN, next);
    expect(fit).toEqual({ kind: 'shut down', because: expect.stringMatching(because) as string });
  });

  test('is shut down if nobody knows what it was given', () => {
    expect(fitOfSaved(undefined, GIVEN)).toMatchObject({ kind: 'shut down' });
  });

  test('is discarded if the image that it has mounted was replaced, whatever else changed', () => {
    const next = wanted({ image: '80 bytes of June', credentials: 'two' }, { 'vm.cpus': '4' });
    expect(fitOfSaved(GIVEN, next)).toEqual({ kind: 'discard', because: 'its boot image was replaced' });
  });
});
