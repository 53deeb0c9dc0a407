import { describe, expect, test } from 'vitest';
import { SambaHost, serve, shareOf } from '../support/share/samba-host.js';

describe('the file server of Linux', () => {
  test('serves a folder to the VM', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const share = shareOf('C', await host.shareFolder('c', 1));
    expect(await serve(server, [share])).toEqual(['create', 'create']);
    const t = await host.client(server, share, 'mkdir sub; ls');
    expect(t.stdout).toContain('sub');
    expect(await serve(server, [share])).toEqual(['none', 'none']);
  });
});
