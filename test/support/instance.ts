import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run, waitFor, type RunOptions, type RunResult } from '../../src/core/host/index.js';
import { MobyvmError } from '../../src/core/values/index.js';
import { RunningProgram } from './netns-program.js';
import { registerNamespace } from './test-run.js';

const ROOT = resolve(import.meta.dirname, '../..');
const MOBYVM = join(ROOT, 'bin/mobyvm');
const ANY_EXIT_CODE = Array.from({ length: 256 }, (_, code) => code);
let made = 0;

/**
 * The boot image that the tests share: `MOBYVM_TEST_IMAGE_DIR`, or the default output of
 * `scripts/build-guest`.
 */
export const IMAGE_DIR = resolve(ROOT, process.env['MOBYVM_TEST_IMAGE_DIR'] ?? 'build/guest/debian');

/**
 * A mobyvm instance for one test, with its own folders, settings and network namespace. Disposing takes it
 * down and deletes everything, even after a failed test.
 */
export class Instance implements AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;

  private constructor(
    readonly directory: string,
    /** The network namespace that the instance's `up` uses. */
    readonly namespace: string,
  ) {
    this.env = {
      MOBYVM_STATE_DIR: join(directory, 'state'),
      MOBYVM_RUN_DIR: join(directory, 'run'),
      MOBYVM_LOG_DIR: join(directory, 'log'),
      MOBYVM_SETTINGS: join(directory, 'settings.json'),
    };
  }

  /** @param folder a folder of the test's own below the temporary one, to try out its name */
  static async create(settings: Readonly<Record<string, object>> = {}, folder = ''): Promise<Instance> {
    const directory = join(await mkdtemp(join(tmpdir(), 'mobyvm-it-')), folder);
    const instance = new Instance(directory, `mvi${process.pid}-${++made}`);
    registerNamespace(instance.namespace);
    await instance.configure(settings);
    return instance;
  }

  get socket(): string {
    return join(this.directory, 'run/docker.sock');
  }

  /** Replaces the settings file; the test image is used unless the settings name another. */
  async configure(settings: Readonly<Record<string, object>>): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    const all = { image: { directory: IMAGE_DIR }, ...settings };
    await writeFile(join(this.directory, 'settings.json'), JSON.stringify(all));
  }

  /** Runs a mobyvm command to completion, whatever its exit code. */
  mobyvm(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run(MOBYVM, args, {
      timeoutMs: 600_000,
      acceptExitCodes: ANY_EXIT_CODE,
      env: { ...process.env, ...this.env },
      ...options,
    });
  }

  /** `mobyvm up`, which must succeed. */
  async up(): Promise<RunResult> {
    const result = await this.mobyvm(['up', '--netns', this.namespace]);
    if (result.exitCode !== 0) throw failed('mobyvm up', result);
    return result;
  }

  /** A mobyvm command in the background. */
  start(...args: readonly string[]): RunningProgram {
    return new RunningProgram(MOBYVM, args, this.env);
  }

  async status(): Promise<{ readonly state: string; readonly [key: string]: unknown }> {
    const { stdout } = await this.mobyvm(['status', '--json']);
    return JSON.parse(stdout) as { state: string };
  }

  /** Waits until `status` reports that state. */
  async untilState(wanted: string, timeoutSeconds: number): Promise<void> {
    const check = async (): Promise<boolean> => (await this.status()).state === wanted;
    const requirement = { title: `the state ${wanted}`, timeoutSeconds, hint: 'See the test.', check };
    await waitFor(requirement, new AbortController().signal);
  }

  /** The docker client on the instance's endpoint; it must succeed. */
  async docker(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { stdout } = await run('docker', ['-H', `unix://${this.socket}`, ...args], {
      timeoutMs: 180_000,
      ...options,
    });
    return stdout;
  }

  /** The command line of `up` for this instance. */
  get upCommand(): readonly string[] {
    return ['up', '--netns', this.namespace];
  }

  async daemonPid(): Promise<number> {
    const lock = JSON.parse(await readFile(join(this.directory, 'run/daemon.lock'), 'utf8')) as {
      pid: number;
    };
    return lock.pid;
  }

  async qemuPid(): Promise<number> {
    return Number(await readFile(join(this.directory, 'run/vm/qemu.pid'), 'utf8'));
  }

  /** All processes of this instance: QEMU has its folder on the command line, the daemon its namespace. */
  async processes(): Promise<string[]> {
    const { stdout } = await run('ps', ['-eo', 'pid=,args=', '-ww']);
    return stdout
      .split('\n')
      .filter((line) => line.includes(this.directory) || line.split(' ').includes(this.namespace));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.mobyvm(['down']);
    } finally {
      for (const line of await this.processes()) kill(Number.parseInt(line, 10));
      await run('ip', ['netns', 'delete', this.namespace], { acceptExitCodes: [0, 1] });
      await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

/** A folder with the files of a tiny image: the static busybox and links for its applets. */
export async function makeBusyboxImage(instance: Pick<Instance, 'docker'>, name: string): Promise<void> {
  const files = await mkdtemp(join(tmpdir(), 'mobyvm-image-'));
  try {
    await mkdir(join(files, 'bin'));
    await mkdir(join(files, 'tmp'));
    await run('cp', ['/bin/busybox', join(files, 'bin/busybox')]);
    for (const applet of ['sh', 'cat', 'echo', 'ls', 'uname', 'sleep', 'date', 'nc', 'wc', 'nslookup']) {
      await run('ln', ['-s', 'busybox', join(files, 'bin', applet)]);
    }
    await run('tar', ['-C', files, '-cf', join(files, '../', `${name}.${process.pid}.tar`), '.']);
    const archive = join(files, '../', `${name}.${process.pid}.tar`);
    await instance.docker(['import', '-c', 'CMD ["sh"]', archive, name]);
    await rm(archive);
  } finally {
    await rm(files, { recursive: true });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has exited in the meantime.
  }
}

function failed(command: string, { exitCode, stderr, stdout }: RunResult): MobyvmError {
  return new MobyvmError(
    'MOBYVM_PROGRAM_FAILED',
    `${command} failed with exit code ${exitCode}:\n${stdout}${stderr}`,
    '',
  );
}
