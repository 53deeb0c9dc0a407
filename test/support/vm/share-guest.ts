import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run, silentLogger, type RunOptions } from '../../../src/core/host/index.js';
import { KvpGuestMounts } from '../../../src/daemon/shares/guest-mounts.js';
import { applyConfiguration, guestPresence, QemuKvpExchange } from '../../../src/kvp/index.js';
import { startLinkServer, type LinkServer } from '../../../src/share/index.js';
import { RunningProgram } from '../netns.js';
import { credentialsOf, testMachine, writeCredentials } from '../tls-engine.js';
import { QemuHarness } from './qemu-harness.js';
import { recordingContext, until } from './vm-harness.js';

const IMAGE = resolve(process.env['MOBYVM_TEST_IMAGE_DIR'] ?? 'build/guest/debian', 'mobyvm.iso');
const TOKEN = 'token-of-the-shares-test';
const BUSYBOX = 'mobyvm-busybox';
const never = new AbortController().signal;

/** The real guest with everything that shares need of the host, but without the daemon. */
export class ShareGuest implements AsyncDisposable {
  #tlsArguments: readonly string[] = [];
  #machine: Awaited<ReturnType<typeof testMachine>> | undefined;
  #exchange: QemuKvpExchange | undefined;
  #mounts: KvpGuestMounts | undefined;

  private constructor(
    readonly vm: QemuHarness,
    readonly folder: string,
    readonly links: LinkServer,
    readonly programs: readonly RunningProgram[],
  ) {}

  static async create(): Promise<ShareGuest> {
    const vm = await QemuHarness.create({
      isoPath: IMAGE,
      memoryMiB: 2_048,
      cpus: 2,
      awaitsConfiguration: true,
    });
    const folder = await mkdtemp(join(tmpdir(), `mvshares${process.pid}-`));
    const programs: RunningProgram[] = [];
    let guest: ShareGuest | undefined;
    try {
      vm.namespace.start('dnsmasq', [
        ...['--conf-file=/dev/null', '--keep-in-foreground', '--port=0', '--interface=mobyvm0'],
        ...['--bind-interfaces', '--dhcp-range=10.0.75.2,10.0.75.2,24h', '--pid-file='],
        ...[`--dhcp-host=${vm.spec.network.mac},10.0.75.2,moby`, '--dhcp-authoritative'],
        `--dhcp-leasefile=${vm.leasesPath}`,
      ]);
      const links = await startLinkServer({
        address: '127.0.0.1',
        port: 0,
        token: () => TOKEN,
        onLink: (link) => {
          if (link.purpose === 'share-health') guest?.mounts.attach(link);
        },
        logger: silentLogger,
      });
      // Sockets of the file system reach from the machine's namespace into the test's.
      const socket = join(folder, 'link.sock');
      programs.push(
        new RunningProgram('socat', [`UNIX-LISTEN:${socket},fork`, `TCP:127.0.0.1:${links.port}`]),
        vm.namespace.start('socat', [
          'TCP-LISTEN:2373,bind=10.0.75.1,reuseaddr,fork',
          `UNIX-CONNECT:${socket}`,
        ]),
      );
      await vm.driver.define(vm.spec, recordingContext());
      guest = new ShareGuest(vm, folder, links, programs);
      return guest;
    } catch (error) {
      await Promise.all(programs.map((program) => program.stop()));
      await vm[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get exchange(): QemuKvpExchange {
    this.#exchange ??= new QemuKvpExchange({ socketPath: this.vm.driver.kvpSocketPath, readySeconds: 240 });
    return this.#exchange;
  }

  get mounts(): KvpGuestMounts {
    this.#mounts ??= new KvpGuestMounts({
      exchange: this.exchange,
      logger: silentLogger,
      timeoutSeconds: 120,
    });
    return this.#mounts;
  }

  async start(): Promise<void> {
    await this.vm.driver.start(recordingContext());
    await guestPresence(this.exchange, { timeoutSeconds: 240 }, never);
  }

  /** @param shares announced to the guest */
  async configure(shares: readonly string[]): Promise<void> {
    this.#machine ??= await testMachine();
    const { ca, server } = this.#machine;
    await applyConfiguration(
      this.exchange,
      {
        token: TOKEN,
        caCertificate: ca.certificate,
        serverCertificate: server.certificate,
        serverKey: server.key,
        shares,
      },
      { signal: never, timeoutSeconds: 120, nowMs: Date.now },
    );
    const files = await writeCredentials(this.folder, credentialsOf(this.#machine));
    // Without a check of the name: the tests' connection goes to an address.
    this.#tlsArguments = ['--tls', '--tlscacert', files.ca, '--tlscert', files.cert, '--tlskey', files.key];
  }

  async docker(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { stdout } = await this.vm.namespace.run(
      'docker',
      ['-H', 'tcp://10.0.75.2:2376', ...this.#tlsArguments, ...args],
      { timeoutMs: 240_000, ...options },
    );
    return stdout;
  }

  async untilEngineAnswers(): Promise<void> {
    await until(
      'the engine',
      () =>
        this.docker(['version'], { timeoutMs: 10_000 }).then(
          () => true,
          () => false,
        ),
      240,
    );
  }

  /** The image that {@link inGuest} and the tests' containers use. */
  async loadImage(): Promise<string> {
    const files = join(this.folder, 'image');
    await mkdir(join(files, 'bin'), { recursive: true });
    await run('cp', ['/bin/busybox', join(files, 'bin')]);
    for (const applet of ['sh', 'cat', 'ls', 'sleep', 'mkdir', 'touch'])
      await run('ln', ['-sf', 'busybox', join(files, 'bin', applet)]);
    await run('tar', ['-C', files, '-cf', join(this.folder, 'image.tar'), '.']);
    await this.docker(['import', '-c', 'CMD ["sh"]', join(this.folder, 'image.tar'), BUSYBOX]);
    return BUSYBOX;
  }

  /** Runs a script as root of the guest itself; it comes by standard input. */
  async inGuest(script: string): Promise<string> {
    const mount = ['-v', '/:/guest', BUSYBOX, '/guest/bin/busybox', 'chroot', '/guest', '/bin/sh'];
    return this.docker(
      ['run', '--rm', '-i', '--privileged', '--pid=host', '--network=host', '--cgroupns=host', ...mount],
      {
        input: script,
      },
    );
  }

  async console(): Promise<string> {
    return (await this.vm.driver.console.tail(2_000)).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#exchange?.close();
    await this.links.close();
    await this.vm[Symbol.asyncDispose]();
    await Promise.all(this.programs.map((program) => program.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }
}
