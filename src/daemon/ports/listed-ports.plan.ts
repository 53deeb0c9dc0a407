import type { ContainerList, ListedPort } from '../../proxy/index.js';

/** What the engine's running containers publish. Ports that are exposed only, and protocols that we do not carry, are left out. */
export function listedPorts(containers: ContainerList): readonly ListedPort[] {
  return containers.flatMap(({ Id, Names, Ports }) =>
    (Ports ?? []).flatMap(({ IP, PrivatePort, PublicPort, Type }) => {
      const isCarried = Type === 'tcp' || Type === 'udp';
      if (!isCarried || IP === undefined || IP === '' || !isPort(PublicPort)) return [];
      const container = Names?.[0]?.replace(/^\//, '') ?? Id.slice(0, 12);
      return [{ protocol: Type, hostIp: IP, hostPort: PublicPort, containerPort: PrivatePort, container }];
    }),
  );
}

function isPort(port: number | undefined): port is number {
  return port !== undefined && port >= 1 && port <= 65_535;
}
