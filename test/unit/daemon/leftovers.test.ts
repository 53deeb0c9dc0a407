import { expect, test } from 'vitest';
import { leftoversIn } from '../../../src/daemon/leftovers.js';

test('what down keeps for the next up is not left over', () => {
  expect(leftoversIn([{ kind: 'hyperv-vm' }, { kind: 'local-account' }])).toBe(0);
});

test('a network of a running VM is left over without a daemon', () => {
  expect(leftoversIn([{ kind: 'hyperv-vm' }, { kind: 'firewall-rules' }])).toBe(1);
});
