import { useEffect } from 'preact/hooks';
import { connection } from '../connection.js';
import { bytesText, endpointText, timeText } from '../format.js';
import { LineView } from '../line-view.js';
import type { Live } from '../live.js';
import type { PortListing } from '../messages.js';
import { Badge, Card, Empty, ProblemNote, Table } from '../parts.js';
import { portKey, SILENT_SECONDS } from '../samples.js';
import { useNow } from '../store.js';

interface ContainersProps {
  readonly live: Live;
  /** The container whose output is shown. */
  readonly selected: string | undefined;
}

export function Containers({ live, selected }: ContainersProps) {
  const { containers, absent } = live;
  return (
    <>
      <Card title="Running containers">
        {absent.containers !== undefined && <Empty>{absent.containers.message}</Empty>}
        {containers?.length === 0 && <Empty>No container is running.</Empty>}
        {containers !== undefined && containers.length > 0 && (
          <Table
            label="Running containers"
            head={['Name', 'Image', 'Status', 'Id', 'Output']}
            rows={containers.map(({ id, name, image, status }) => [
              <strong>{name}</strong>,
              image,
              status,
              <code>{id}</code>,
              <a
                href={`#/containers/${encodeURIComponent(name)}`}
                aria-current={name === selected ? 'true' : undefined}
              >
                {name === selected ? 'Shown below' : 'Show'}
                <span class="hidden">: output of {name}</span>
              </a>,
            ])}
          />
        )}
      </Card>
      {selected !== undefined && <Output key={selected} live={live} container={selected} />}
      <Ports live={live} />
    </>
  );
}

function Output({ live: { output, absent }, container }: { live: Live; container: string }) {
  useEffect(() => {
    connection.watch(['output'], container);
    return () => connection.watch([]);
  }, [container]);
  if (absent.output !== undefined) return <ProblemNote problem={absent.output} />;
  const own = output?.container === container ? output : undefined;
  const notes = [
    ...((own?.omitted ?? 0) > 0 ? [`${own?.omitted ?? 0} more came too fast to be shown`] : []),
    ...(own?.hasEnded === true ? ['the container has ended'] : []),
  ];
  return (
    <LineView
      title={`Output of ${container}`}
      lines={(own?.kept.lines ?? []).map(({ at, stream, text }, index) => ({
        key: (own?.kept.dropped ?? 0) + index,
        text: at === undefined ? text : `${timeText(at)} ${text}`,
        tone: stream,
      }))}
      empty={own === undefined ? 'Loading…' : 'The container has printed nothing.'}
      extra={
        <a class="button" href="#/containers">
          Close
        </a>
      }
      {...(notes.length === 0 ? {} : { note: notes.join(', ') })}
    />
  );
}

function Ports({ live: { ports, portRates, absent, connection: state } }: { live: Live }) {
  const now = useNow();
  const isCurrent =
    state !== 'live' || (portRates !== undefined && now / 1_000 - portRates.at < SILENT_SECONDS);
  const rateOf = (port: PortListing['ports'][number], way: 'in' | 'out'): number =>
    isCurrent ? (portRates?.byPort.get(portKey(port))?.[way] ?? 0) : 0;
  return (
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
            <span>
              <Badge tone={port.state === 'open' ? 'good' : port.state === 'failed' ? 'bad' : 'busy'}>
                {port.state}
              </Badge>
              {port.problem !== undefined && <small>{port.problem}</small>}
            </span>,
            port.connections,
            <Traffic total={port.bytesIn} rate={rateOf(port, 'in')} />,
            <Traffic total={port.bytesOut} rate={rateOf(port, 'out')} />,
          ])}
        />
      )}
    </Card>
  );
}

function Traffic({ total, rate }: { total: number; rate: number }) {
  return (
    <span class="number">
      {bytesText(total)}
      <small>{rate === 0 ? 'idle' : `${bytesText(rate)}/s`}</small>
    </span>
  );
}
