import { networkInterfaces } from 'node:os';

/** The addresses of this machine now; those of IPv6 links with the link's name, as they are listened on. */
export function hostAddresses(): readonly string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ address, family, scopeid = 0 }) =>
      family === 'IPv6' && scopeid !== 0 ? `${address}%${name}` : address,
    ),
  );
}
