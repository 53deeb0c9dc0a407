import type { ContainerList, ListedPort } from '../../proxy/index.js';

/** The TCP and UDP ports that the engine's running containers publish; merely exposed ports are left out. */
export function listedPorts(containers: ContainerList): readonly ListedPort[] {
  return containers.flatMap(({ Id, Names, Ports }) =>
    (Ports ?? []).flatMap(({ IP, PrivatePort, PublicPort, Type }) => {
      const isForwarded = Type === 'tcp' || Type === 'udp';
      if (!isForwarded || IP === undefined || IP === '' || !isPort(PublicPort)) return [];
      const container = nameOf({ Id, Names });
      return [{ protocol: Type, hostIp: IP, hostPort: PublicPort, containerPort: PrivatePort, container }];
    }),
  );
}

/** The names of containers that have the VM's own network (`--network host`), as many as fit into a line. */
export function onHostNetwork(containers: ContainerList): readonly string[] {
  return containers
    .filter(({ HostConfig }) => HostConfig?.NetworkMode === 'host')
    .slice(0, MAX_NAMES)
    .map(nameOf);
}

const MAX_NAMES = 8;

function nameOf({ Id, Names }: Pick<ContainerList[number], 'Id' | 'Names'>): string {
  return Names?.[0]?.replace(/^\//, '') ?? Id.slice(0, 12);
}

function isPort(port: number | undefined): port is number {
  return port !== undefined && port >= 1 && port <= 65_535;
}
