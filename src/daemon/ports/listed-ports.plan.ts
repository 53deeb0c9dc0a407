import type { ContainerList, ListedPort } from '../../proxy/index.js';

/** The TCP and UDP ports that the engine's running containers publish; merely exposed ports are left out. */
export function listedPorts(containers: ContainerList): readonly ListedPort[] {
  return containers.flatMap(({ Id, Names, Ports }) =>
    (Ports ?? []).flatMap(({ IP, PrivatePort, PublicPort, Type }) => {
      const isForwarded = Type === 'tcp' || Type === 'udp';
      if (!isForwarded || IP === undefined || IP === '' || !isPort(PublicPort)) return [];
      const container = Names?.[0]?.replace(/^\//, '') ?? Id.slice(0, 12);
      return [{ protocol: Type, hostIp: IP, hostPort: PublicPort, containerPort: PrivatePort, container }];
    }),
  );
}

function isPort(port: number | undefined): port is number {
  return port !== undefined && port >= 1 && port <= 65_535;
}
