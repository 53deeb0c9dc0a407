import { expect, test } from 'vitest';
import { decodeServiceArguments, encodeServiceArguments } from '../../../src/protocol/service-arguments.js';

test('the arguments of the service are read as they were written', () => {
  const written = {
    name: 'mobyvm_0123',
    user: 'S-1-5-21-1-2-3-1001',
    env: { MOBYVM_STATE_DIR: 'D:\\Müller & Söhne\\state=1' },
  };
  expect(decodeServiceArguments(encodeServiceArguments(written))).toEqual(written);
});

test('unknown arguments and variables are ignored', () => {
  expect(decodeServiceArguments(['--later', 'PATH=C:\\evil'])).toEqual({ name: 'mobyvm', env: {} });
});
