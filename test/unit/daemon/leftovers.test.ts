import { expect, test } from 'vitest';
import { leftoversIn } from '../../../src/daemon/leftovers.js';

test('what down keeps for the next up is not left over', () => {
  expect(leftoversIn([{ kind: 'hyperv-vm' }, { kind: 'local-account' }], false)).toBe(0);
});

test('a network of a running VM is left over without a daemon', () => {
  expect(leftoversIn([{ kind: 'hyperv-vm' }, { kind: 'firewall-rules' }], true)).toBe(1);
});

test('the network of a VM that is saved in Hyper-V is not left over', () => {
  const network = [{ kind: 'vm-switch' }, { kind: 'switch-address' }, { kind: 'nat-network' }];
  expect(leftoversIn(network, true)).toBe(0);
  expect(leftoversIn(network, false)).toBe(3);
});
