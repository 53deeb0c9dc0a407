import { bytesText, endpointText } from '../format.js';
import type { Live } from '../live.js';
import { Badge, Card, Empty, ProblemNote, Table } from '../parts.js';

export function Containers({ live }: { live: Live }) {
  const { containers, ports, absent } = live;
  return (
    <>
      <Card title="Running containers">
        {absent.containers !== undefined && <Empty>{absent.containers.message}</Empty>}
        {containers?.length === 0 && <Empty>No container is running.</Empty>}
        {containers !== undefined && containers.length > 0 && (
          <Table
            label="Running containers"
            head={['Name', 'Image', 'Status', 'Id']}
            rows={containers.map(({ id, name, image, status }) => [name, image, status, <code>{id}</code>])}
          />
        )}
      </Card>
      <Card title="Published ports">
        {absent.ports !== undefined && <ProblemNote problem={absent.ports} />}
        {ports?.length === 0 && <Empty>No container publishes a port.</Empty>}
        {ports !== undefined && ports.length > 0 && (
          <Table
            label="Published ports"
            head={['Host', 'Container', 'State', 'Connections', 'In', 'Out']}
            rows={ports.map((port) => [
              <code>
                {endpointText(port.hostIp, port.hostPort)}/{port.protocol}
              </code>,
              `${port.container === '' ? '?' : port.container}:${port.containerPort}`,
              <>
                <Badge tone={port.state === 'open' ? 'good' : port.state === 'failed' ? 'bad' : 'busy'}>
                  {port.state}
                </Badge>
                {port.problem !== undefined && <small>{port.problem}</small>}
              </>,
              port.connections,
              bytesText(port.bytesIn),
              bytesText(port.bytesOut),
            ])}
          />
        )}
      </Card>
    </>
  );
}
