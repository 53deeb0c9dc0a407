import { describe, expect, it } from 'vitest';
import { parseOwner } from '../../../../src/daemon/linux/unix-listener-owner.js';

/** `ss -xlpeH` of iproute2 6.1; the second socket was moved after it was bound. */
const LISTING = `u_str LISTEN 0 4096 /run/systemd/private 18 * 0 users:(("systemd",pid=1,fd=21)) <-> ino:61 dev:0/24 peers:
u_str LISTEN 0      511    /tmp/xx-14158.sock 42430 * 0 users:(("dockerd",pid=17196,fd=19),("dockerd",pid=2,fd=3)) <-> ino:11657357 dev:0/65024 peers:
u_str LISTEN 0      511    /tmp/hidden.sock 42431 * 0 <-> ino:7 dev:0/65024 peers:
`;

describe('the owner of a socket', () => {
  it('is found by the inode of its file', () => {
    expect(parseOwner(LISTING, 11657357)).toEqual({ program: 'dockerd', pid: 17196 });
  });

  it.each([1165735, 6, 7, 99])('is unknown if the listing does not name it (inode %i)', (ino) => {
    expect(parseOwner(LISTING, ino)).toBeUndefined();
  });
});
