import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, waitFor, type RunResult } from '../../src/core/host/index.js';
import type { PortListing } from '../../src/protocol/messages.js';
import { compose } from '../support/compose.js';
import { inGuest } from '../support/guest-shell.js';
import { Instance } from '../support/instance.js';
import { RunningProgram } from '../support/netns-program.js';
import { registerNamespace } from '../support/test-run.js';
import { listeningPlaces, makeEchoImage } from '../support/vm/echo-image.js';
import { manyPorts } from '../support/vm/many-ports.js';
import { BUSYBOX, startMachine } from '../support/vm/started-machine.js';

/** Published ports with the real guest, engine and clients. The tests depend on each other, in this order. */
const ECHO = 'mobyvm-port-echo';
/** Containers at the same time; emulation takes 20 s for each. All 200 are in test/soak/many-ports.soak.ts. */
const MANY = 6;
const ANY = Array.from({ length: 256 }, (_, code) => code);
const never = new AbortController().signal;
let instance: Instance;
let neighbour: string;

beforeAll(async () => {
  // A service on the host's loopback must be reachable for those who are allowed to see it.
  instance = await Instance.create({ network: { hostLoopbackPorts: [7777] } });
  await startMachine(instance);
  await makeEchoImage(instance, ECHO);
  neighbour = `${instance.namespace}n`;
  registerNamespace(neighbour);
  await run('ip', ['netns', 'add', neighbour]);
  await run(
    'ip',
    ['link', 'add', 'out', 'netns', instance.namespace, 'type', 'veth'].concat([
      'peer',
      'out',
      'netns',
      neighbour,
    ]),
  );
  for (const [namespace, address] of [
    [instance.namespace, '192.0.2.1/24'],
    [neighbour, '192.0.2.2/24'],
  ] as const) {
    await run('ip', ['-n', namespace, 'addr', 'add', address, 'dev', 'out']);
    await run('ip', ['-n', namespace, 'link', 'set', 'out', 'up']);
  }
});
afterAll(async () => {
  await run('ip', ['netns', 'delete', neighbour], { acceptExitCodes: ANY });
  await instance[Symbol.asyncDispose]();
});

/** `docker run -d` of the echo program; whatever its exit code. If it started, it also listens. */
async function echo(name: string, ...options: readonly string[]): Promise<RunResult> {
  const result = await docker('run', '-d', '--name', name, ...options, ECHO, '80', '81');
  if (result.exitCode === 0)
    await until(`${name} to listen`, async () =>
      (await instance.docker(['logs', name])).includes('listening'),
    );
  return result;
}

function docker(...args: readonly string[]): Promise<RunResult> {
  return run('docker', ['-H', `unix://${instance.socket}`, ...args], {
    timeoutMs: 180_000,
    acceptExitCodes: ANY,
  });
}

/**
 * What comes back for `text` from an address such as `TCP:127.0.0.1:8080`; undefined if there is no
 * connection. A datagram may be lost on its way, so it is sent again.
 */
async function ask(place: string, text: string, namespace = instance.namespace): Promise<string | undefined> {
  for (let attempts = place.startsWith('UDP') ? 5 : 1; attempts > 0; attempts--) {
    const answer = await askOnce(place, text, namespace);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

async function askOnce(place: string, text: string, namespace: string): Promise<string | undefined> {
  const args = [
    'netns',
    'exec',
    namespace,
    'socat',
    '-b',
    '131072',
    '-t',
    // Datagrams have no end, so this is how long it waits for one.
    place.startsWith('UDP') ? '5' : '30',
    '-',
    `${place},connect-timeout=30`,
  ];
  const { exitCode, stdout } = await run('ip', args, {
    input: text,
    acceptExitCodes: ANY,
    timeoutMs: 60_000,
  });
  return exitCode === 0 && stdout !== '' ? stdout : undefined;
}

async function answers(port: number, host = '127.0.0.1'): Promise<boolean> {
  return (await ask(`TCP:${host}:${port}`, 'hello')) === 'hello';
}

const listening = (): Promise<string[]> => listeningPlaces(instance);

async function listensOn(port: number): Promise<boolean> {
  return (await listening()).some((place) => place.endsWith(`:${port}`));
}

async function published(): Promise<PortListing['ports']> {
  const { stdout } = await instance.mobyvm(['port', 'list', '--json']);
  return (JSON.parse(stdout) as PortListing).ports;
}

async function until(title: string, check: () => Promise<boolean>, timeoutSeconds = 60): Promise<void> {
  await waitFor({ title, timeoutSeconds, hint: '', check }, never);
}

describe('a published port', () => {
  test('answers on every address of the host, including IPv6', async () => {
    expect((await echo('web', '-p', '8080:80', '-p', '8081:81/udp')).exitCode).toBe(0);
    expect(await answers(8080)).toBe(true);
    expect(await answers(8080, '192.0.2.1')).toBe(true);
    expect(await ask('TCP6:[::1]:8080', 'hello')).toBe('hello');
    expect(await ask('TCP:192.0.2.1:8080', 'hello', neighbour)).toBe('hello');
  });

  test('forwards a half-close, and the answer that follows', async () => {
    const large = 'e'.repeat(3_000_000);
    expect(await ask('TCP:127.0.0.1:8080', large)).toBe(`${large.length}\n`);
  });

  test('forwards a datagram of 65,507 bytes both ways, and answers from the address that was asked', async () => {
    const datagram = 'x'.repeat(65_507);
    expect(await ask('UDP:127.0.0.1:8081', datagram)).toBe(datagram);
    expect(await ask('UDP:192.0.2.1:8081', 'hello', neighbour)).toBe('hello');
  });

  test('is shown by `mobyvm port list` with its traffic', async () => {
    const web = (await published()).find(({ hostIp, hostPort }) => hostIp === '0.0.0.0' && hostPort === 8080);
    expect(web).toMatchObject({ container: 'web', containerPort: 80, protocol: 'tcp', state: 'open' });
    expect(web?.bytesIn).toBeGreaterThan(3_000_000);
    expect((await instance.mobyvm(['port', 'list'])).stdout).toMatch(
      /^0\.0\.0\.0:8080\/tcp\s+web:80\s+open/m,
    );
  });

  test('closes when its container stops, opens when it starts, and follows a restart', async () => {
    await instance.docker(['stop', '-t', '0', 'web']);
    expect(await listensOn(8080)).toBe(false);
    await instance.docker(['start', 'web']);
    expect(await answers(8080)).toBe(true);
    await instance.docker(['restart', '-t', '0', 'web']);
    expect(await answers(8080)).toBe(true);
  });
});

test(`${MANY} containers with a port each come up, answer and go`, () => manyPorts(instance, ECHO, MANY));

describe('a port that cannot be published', () => {
  test('fails docker run with the reason, and leaves no half-bound ports', async () => {
    await using holder = new RunningProgram(
      'ip',
      ['netns', 'exec', instance.namespace, 'socat'].concat(['-dd', 'TCP-LISTEN:8090,fork', 'PIPE']),
    );
    await holder.line(/listening/);
    await instance.docker(['create', '--name', 'late', '-p', '8089:80', '-p', '8090:81', ECHO, '80', '81']);
    const start = await docker('start', 'late');
    expect(start.exitCode).not.toBe(0);
    expect(start.stderr).toContain(
      'Bind for 0.0.0.0:8090 failed: port is already allocated (on the host, by "socat" (pid ',
    );
    expect(await listensOn(8089)).toBe(false);
    await instance.docker(['rm', '-f', 'late']);
    expect((await echo('late', '-p', '8089:80', '-p', '8090:81')).exitCode).not.toBe(0);
    expect(await listensOn(8089)).toBe(false);
    await instance.docker(['rm', '-f', 'late']);
  });

  test('that needs an address the host does not have is reported as such', async () => {
    const { exitCode, stderr } = await echo('nowhere', '-p', '203.0.113.9:8091:80');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('listen tcp 203.0.113.9:8091: bind: cannot assign requested address');
    await instance.docker(['rm', '-f', 'nowhere']);
  });
});

describe('what docker-proxy would have allowed', () => {
  test("a port that the engine itself has in the VM leads to its container, and the engine's connection stays", async () => {
    expect((await echo('thief', '-p', '2376:80')).exitCode).toBe(0);
    expect(await answers(2376)).toBe(true);
    expect(await instance.docker(['ps', '--format', '{{.Names}}'])).toContain('thief');
    await instance.docker(['rm', '-f', 'thief']);
  });

  // https://github.com/docker/for-mac/issues/5453
  test("53 beside mobyvm's own DNS server, by TCP and UDP", async () => {
    expect((await echo('resolver', '-p', '53:80', '-p', '53:81/udp')).exitCode).toBe(0);
    expect(await ask('TCP:192.0.2.1:53', 'hello', neighbour)).toBe('hello');
    expect(await ask('UDP:192.0.2.1:53', 'hello', neighbour)).toBe('hello');
    expect(await answers(53)).toBe(true);
    const { stdout } = await docker('run', '--rm', BUSYBOX, 'nslookup', 'moby.mobyvm.internal');
    expect(stdout).toContain('10.0.75.2');
    const { exitCode, stderr } = await echo('ours', '-p', '10.0.75.1:53:80');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("port is already allocated (on the host, by mobyvm's DNS server)");
    await instance.docker(['rm', '-f', 'resolver', 'ours']);
  });

  // https://github.com/docker/for-mac/issues/3611
  test('docker pull from a registry that is published on localhost', async () => {
    const serve = ['busybox', 'httpd', '-f', '-p', '80'];
    await instance.docker(['run', '-d', '--name', 'registry', '-p', '5000:80', BUSYBOX, ...serve]);
    const { exitCode, stderr } = await docker('pull', 'localhost:5000/x:1');
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/404|not found/i);
    await instance.docker(['rm', '-f', 'registry']);
  });

  test("containers reach a published port at the VM's address and, with the host's network, at localhost", async () => {
    const asking = (place: string, ...options: readonly string[]): Promise<RunResult> =>
      docker('run', '--rm', ...options, BUSYBOX, 'sh', '-c', `echo c | nc -w 20 ${place} 8080`);
    expect((await asking('10.0.75.2')).stdout).toMatch(/^[0-9a-f]{12}$/m);
    expect((await asking('127.0.0.1', '--network', 'host')).stdout).toMatch(/^[0-9a-f]{12}$/m);
    await instance.docker(['network', 'create', 'elsewhere']);
    expect((await asking('10.0.75.2', '--network', 'elsewhere')).stdout).toMatch(/^[0-9a-f]{12}$/m);
    await instance.docker(['network', 'rm', 'elsewhere']);
  });

  test('containers reach published ports at host.docker.internal, until they are released', async () => {
    const asking = (places: readonly string[], ...options: readonly string[]): Promise<RunResult> => {
      const script = places.map((place) => `echo c | nc -w 20 ${place}`).join('; ');
      return docker('run', '--rm', ...options, BUSYBOX, 'sh', '-c', script);
    };
    const hostname = expect.stringMatching(/^[0-9a-f]{12}$/) as string;
    expect((await echo('inner', '-p', '127.0.0.1:8090:80', '-p', '192.0.2.1:8091:80')).exitCode).toBe(0);
    await instance.docker(['network', 'create', 'elsewhere']);
    for (const network of ['bridge', 'elsewhere', 'host']) {
      const { stdout } = await asking(
        ['host.docker.internal 8080', '10.0.75.1 8090', '192.0.2.1 8091'],
        `--network=${network}`,
      );
      expect(stdout.split('\n'), network).toEqual([...Array.from({ length: 3 }, () => hostname), '']);
    }
    await instance.docker(['network', 'rm', 'elsewhere']);
    await instance.docker(['rm', '-f', 'inner']);
    expect((await asking(['10.0.75.1 8090'])).stdout).toBe('');
  });

  // https://github.com/abiosoft/colima/issues/277
  test("host-gateway is the host's address", async () => {
    const { stdout } = await docker(
      'run',
      '--rm',
      '--add-host',
      'h:host-gateway',
      BUSYBOX,
      'cat',
      '/etc/hosts',
    );
    expect(stdout).toMatch(/^10\.0\.75\.1\s+h$/m);
  });

  test('datagrams to another loopback address, and broadcasts', async () => {
    expect(await ask('UDP-CONNECT:127.0.0.2:8081', 'hello')).toBe('hello');
    for (const address of ['192.0.2.255', '255.255.255.255']) {
      const place = `UDP-DATAGRAM:${address}:8081,broadcast,bind=192.0.2.2,so-bindtodevice=out`;
      expect(await ask(place, 'hello', neighbour), address).toBe('hello');
    }
  });

  test('datagrams from the same client port follow a container that is restarted', async () => {
    const place = 'UDP:127.0.0.1:8081,sourceport=40123,bind=127.0.0.1';
    expect(await ask(place, 'before')).toBe('before');
    await instance.docker(['stop', '-t', '0', 'web']);
    // Another container takes its address meanwhile.
    await instance.docker(['run', '-d', '--name', 'squatter', ECHO, '80']);
    await instance.docker(['start', 'web']);
    expect(await ask(place, 'after')).toBe('after');
    await instance.docker(['rm', '-f', 'squatter']);
  });

  test('a port that network.hostLoopbackPorts relays, which then leads to the container', async () => {
    expect((await echo('relayed', '-p', '7777:80')).exitCode).toBe(0);
    expect(await ask('TCP:192.0.2.1:7777', 'hello', neighbour)).toBe('hello');
    const { stdout } = await docker('run', '--rm', BUSYBOX, 'sh', '-c', 'echo hi | nc -w 30 10.0.75.1 7777');
    expect(stdout).toBe('hi\n');
    const { exitCode, stderr } = await echo('ours', '-p', '10.0.75.1:7777:80');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('by the setting network.hostLoopbackPorts)');
    await instance.docker(['rm', '-f', 'relayed', 'ours']);
  });
});

describe('a port on one address', () => {
  test('127.0.0.1 is open on the host, including ::1, and nowhere else', async () => {
    expect((await echo('local', '-p', '127.0.0.1:8100:80', '-p', '127.0.0.1:8101:81/udp')).exitCode).toBe(0);
    expect(await answers(8100)).toBe(true);
    expect(await ask('TCP6:[::1]:8100', 'hello')).toBe('hello');
    expect(await ask('UDP:127.0.0.1:8101', 'x'.repeat(65_507))).toHaveLength(65_507);
    expect(await ask('TCP:192.0.2.1:8100', 'hello', neighbour)).toBeUndefined();
    expect(await ask('TCP:10.0.75.2:8100', 'hello', neighbour)).toBeUndefined();
  });

  test('two containers can have the same port on two addresses of the host', async () => {
    expect((await echo('other', '--hostname', 'other', '-p', '192.0.2.1:8100:80')).exitCode).toBe(0);
    expect(await ask('TCP:192.0.2.1:8100', 'c', neighbour)).toBe('other\n');
    expect(await ask('TCP:127.0.0.1:8100', 'c')).not.toBe('other\n');
    await instance.docker(['rm', '-f', 'other']);
  });

  test('[::] alone is IPv6 only', async () => {
    expect((await echo('six', '-p', '[::]:8102:80')).exitCode).toBe(0);
    expect(await ask('TCP6:[::1]:8102', 'hello')).toBe('hello');
    expect(await answers(8102)).toBe(false);
    await instance.docker(['rm', '-f', 'six']);
  });
});

describe('many ports', () => {
  test('ranges and -P get their own ports', async () => {
    await instance.docker([
      'run',
      '-d',
      '--name',
      'range',
      '-p',
      '8110-8114:8110-8114',
      ECHO,
      '8110',
      '8114',
    ]);
    expect([await answers(8110), await answers(8114)]).toEqual([true, true]);
    const { stdout } = await docker('run', '-d', '--name', 'free', '--expose', '80', '-P', ECHO, '80');
    expect(stdout).not.toBe('');
    const port = Number(/:(\d+)/.exec(await instance.docker(['port', 'free', '80']))?.[1]);
    expect(await answers(port)).toBe(true);
    await instance.docker(['rm', '-f', 'range', 'free']);
    expect((await listening()).filter((place) => /:811[0-4]$/.test(place))).toEqual([]);
  });

  test('a compose project with 10 ports works with up and down', async () => {
    const services = [8120, 8125].map((first) => {
      const ports = Array.from({ length: 5 }, (_, index) => `"${first + index}:80"`);
      return `  s${first}:\n    image: ${ECHO}\n    command: ["80"]\n    ports: [${ports.join(', ')}]\n`;
    });
    const file = join(instance.directory, 'compose.yml');
    await writeFile(file, `version: "3"\nservices:\n${services.join('')}`);
    const project = (...args: readonly string[]): Promise<RunResult> =>
      compose(['-p', 'planted', '-f', file, ...args], {
        timeoutMs: 300_000,
        env: { ...process.env, DOCKER_HOST: `unix://${instance.socket}`, COMPOSE_HTTP_TIMEOUT: '200' },
      });
    await project('up', '-d');
    for (let port = 8120; port < 8130; port += 1) expect(await answers(port), String(port)).toBe(true);
    await project('down', '-t', '0');
    expect((await listening()).filter((place) => /:812\d$/.test(place))).toEqual([]);
  });
});

describe('the host', () => {
  test('exposes services on its loopback to containers only as configured', async () => {
    const serve = (port: number): RunningProgram =>
      new RunningProgram(
        'ip',
        ['netns', 'exec', instance.namespace, 'socat', '-dd'].concat([
          `TCP-LISTEN:${port},bind=127.0.0.1,fork`,
          'SYSTEM:echo inside',
        ]),
      );
    await using allowed = serve(7777);
    await using refused = serve(7778);
    await allowed.line(/listening/);
    await refused.line(/listening/);
    const reach = async (port: number): Promise<string> =>
      (await docker('run', '--rm', BUSYBOX, 'sh', '-c', `nc -w 15 host.docker.internal ${port} </dev/null`))
        .stdout;
    expect(await reach(7777)).toBe('inside\n');
    expect(await reach(7778)).toBe('');
  });
});

describe('recovery from the loss of', () => {
  test("the guest's proxies: ports stay open, and close with their container", async () => {
    await inGuest(instance, BUSYBOX, 'kill -9 $(pidof port-proxy)\n');
    await until('the audit', async () => (await published()).every(({ container }) => container !== ''));
    expect(await answers(8080)).toBe(true);
    await instance.docker(['stop', '-t', '0', 'web']);
    await until('the port to be closed', async () => !(await listensOn(8080)));
    await instance.docker(['rm', '-f', 'local']);
    await until('the other to be closed', async () => !(await listensOn(8100)));
    await instance.docker(['start', 'web']);
    expect(await answers(8080)).toBe(true);
  });

  test('the daemon, with live connections: new ones work after its restart', async () => {
    expect((await echo('local', '--restart', 'always', '-p', '127.0.0.1:8100:80')).exitCode).toBe(0);
    await instance.docker(['update', '--restart', 'always', 'web']);
    const live = new RunningProgram(
      'ip',
      ['netns', 'exec', instance.namespace, 'socat'].concat(['-', 'TCP:127.0.0.1:8080']),
    );
    live.send('alive');
    await live.line(/alive/);
    process.kill(await instance.daemonPid(), 'SIGKILL');
    await live.exit;
    await instance.up();
    expect(await answers(8080)).toBe(true);
    await until("the guest's proxy to come back", () => answers(8100));
    await until('it to be reported', async () => (await published()).every(({ state }) => state === 'open'));
  });

  test('the engine: its containers come back with their ports', async () => {
    await inGuest(instance, BUSYBOX, 'kill -9 $(cat /var/run/docker.pid)\n').catch(() => undefined);
    await until('the web server to answer', () => answers(8080), 240);
    await until('the local one to answer', () => answers(8100), 120);
  });

  test('a container that the engine no longer lists', async () => {
    await inGuest(instance, BUSYBOX, 'kill -STOP $(pidof port-proxy)\n');
    process.kill(await instance.daemonPid(), 'SIGKILL');
    await instance.up();
    await until('the audit to open the port', () => answers(8080));
    await inGuest(instance, BUSYBOX, 'kill -CONT $(pidof port-proxy)\n');
    await instance.docker(['rm', '-f', 'local']);
    await until('the port to be closed', async () => !(await listensOn(8100)));
  });

  test('the VM: after a restart its containers have their ports', async () => {
    await instance.docker(['update', '--restart', 'always', 'web']);
    expect((await instance.mobyvm(['restart'])).exitCode).toBe(0);
    await until('the web server to answer', () => answers(8080), 240);
    expect((await instance.mobyvm(['down', '--stop'])).exitCode).toBe(0);
  });
});
