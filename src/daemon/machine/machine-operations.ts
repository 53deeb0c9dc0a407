import {
  ensureSteps,
  removeSteps,
  runSteps,
  type EnsureContext,
  type Lifetime,
  type ManagedResource,
  type Step,
  timeLimit,
} from '../../core/host/index.js';
import { parseSubnet, textOf } from '../../core/values/index.js';
import type { VmSpec } from '../../vm/index.js';
import { refuseEngineOverlap } from '../settings/engine-networks.plan.js';
import { oversized, refuseTooLarge } from '../settings/host-limits.plan.js';
import type { Settings } from '../settings/schema.js';
import type { MachineCondition } from './condition.js';
import { guestSteps } from './guest-steps.js';
import type { MachineParts } from './machine-parts.js';
import type { PendingSetting } from './machine-status.js';
import { givenToGuest } from './guest-record.js';
import { notSaved } from './machine-messages.js';
import { isRunningNow, stateToStop } from './observe-vm.js';
import type { Operation } from './operation.js';
import type { OperationContext } from './operation-runner.js';
import { pendingSettings, pendingText } from './pending-settings.plan.js';
import { removeEach } from './remove-each.js';
import type { VmWatch } from './vm-watch.js';
import { ResumedGuest } from './resumed-guest.js';
import { SavedMachine } from './saved-machine.js';
import { startWithImage } from './start-with-image.js';
import { stepResource } from './step-resource.js';
import { VmResources, type LimitedEnd, type VmEnding } from './vm-resources.js';

/** An engine that takes longer is in no state to be kept. */
const ANSWER_MS = 5_000;

/**
 * What `up`, `down`, `restart` and `uninstall` do, over one ordered list of resources: `up` ensures them first to last,
 * `down` removes those of the running machine last to first, `uninstall` removes all. More than 400 lines, because the four share
 * what they know of the last start: apart, they would hand it to each other.
 */
export class MachineOperations {
  readonly #parts: MachineParts;
  readonly #condition: MachineCondition;
  readonly #vm: VmWatch;
  #settings: Settings;
  #pending: readonly PendingSetting[] = [];
  #isNetworkUp = false;
  #isUninstalled = false;
  /** The boot image of the last start; undefined before it: that of the settings. */
  #image: string | undefined;
  #engine: { readonly version: string; readonly apiVersion: string } | undefined;

  constructor(parts: MachineParts, condition: MachineCondition, vm: VmWatch, settings: Settings) {
    this.#parts = parts;
    this.#condition = condition;
    this.#vm = vm;
    this.#settings = settings;
  }

  /** Of the last `up` or `restart`. */
  get settings(): Settings {
    return this.#settings;
  }

  get pending(): readonly PendingSetting[] {
    return this.#pending;
  }

  /** An `up` has set the network up; it stays when the VM ends by itself. */
  get isNetworkUp(): boolean {
    return this.#isNetworkUp;
  }

  /** `uninstall` has succeeded. */
  get isUninstalled(): boolean {
    return this.#isUninstalled;
  }

  get engine(): { readonly version: string; readonly apiVersion: string } | undefined {
    return this.#engine;
  }

  async perform(operation: Operation, context: OperationContext): Promise<void> {
    if (operation.name === 'up' || operation.name === 'restart') {
      for (const message of await this.#parts.prepareFiles()) this.#notice(message, context);
    }
    switch (operation.name) {
      case 'up':
        return this.#startWithImage(await this.#loadSettings(), context, false);
      case 'restart': {
        // Before anything is stopped: invalid settings leave a running machine alone.
        const settings = await this.#loadSettings();
        await this.#down('stop', context);
        return this.#startWithImage(settings, context, true);
      }
      case 'down':
        return this.#down(
          await this.#endingOf(operation.stop === true, context),
          context,
          operation.limits && { ...operation.limits, beganMs: nowMs() },
        );
      case 'uninstall':
        return this.#uninstall(operation.keepData, context);
    }
  }

  /** What the machine consists of, in the order of `up`; the guest's own stages come after it. */
  resources(): readonly ManagedResource[] {
    return this.#resources(this.#settings, this.#vmResources(this.#settings, true));
  }

  async #loadSettings(): Promise<Settings> {
    const { hostSize, loadSettings, applySettings } = this.#parts;
    const settings = await loadSettings();
    refuseTooLarge(settings, hostSize);
    const { subnet: wanted } = settings.network;
    const subnet = wanted === 'auto' ? this.#parts.host.describe().subnet : wanted;
    if (subnet !== undefined) refuseEngineOverlap(settings, parseSubnet(subnet));
    this.#settings = settings;
    applySettings?.(settings);
    return settings;
  }

  #startWithImage(settings: Settings, context: OperationContext, isRetry: boolean): Promise<void> {
    const { lastImage, specFor } = this.#parts;
    return startWithImage({
      lastImage,
      wanted: specFor(settings).isoPath,
      isRetry,
      context,
      start: (image, either) => this.#up(settings, either, image),
      notice: (message) => this.#notice(message, context),
    });
  }

  /** With the image that was chosen. */
  #specFor(settings: Settings): VmSpec {
    const spec = this.#parts.specFor(settings);
    return { ...spec, isoPath: this.#image ?? spec.isoPath };
  }

  async #up(settings: Settings, context: OperationContext, image: string): Promise<void> {
    this.#image = image;
    const { driver, host, guest, ports, shares } = this.#parts;
    const isRunning = await isRunningNow(driver, context.signal);
    this.#isUninstalled = false;
    if (!isRunning) this.#vmIsToStart(settings, context);
    this.#vm.expectStart();
    await shares.prepare(settings);
    const running = isRunning ? { spec: await driver.runningSpec() } : undefined;
    await host.prepare(settings, running && { attachment: running.spec?.network.attachment }, context.signal);
    if (running !== undefined) this.#comparePending(settings, running.spec, context);
    const hasShares = shares.ids().length > 0;
    this.#engine = undefined;
    const resumed = new ResumedGuest(this.#parts);
    const vm = this.#vmResources(settings, isRunning, context, {
      hasResumed: (step) =>
        resumed.begin(step, (version) => {
          this.#engine = version;
          // Its containers run already, and binds wait for their share.
          this.#condition.isEngineReady = true;
          this.#condition.changed();
        }),
    });
    await this.#run(
      [
        ...ensureSteps(this.#resources(settings, vm)),
        ...this.#guestSteps(settings, { vm, resumed }, context),
      ],
      context,
    );
    if (vm.isFreshBoot) {
      await this.#saved(settings, context).noteBooted(driver.features.accelerator);
      await this.#parts.lastImage.answered(this.#specFor(settings).isoPath);
    }
    if (!resumed.hasBegun) {
      // Without shares there was no step that did this; from now on any that is added is mounted at once.
      if (!hasShares) shares.vmReady();
      guest.follow();
      void guest.syncClock({ reason: 'started' }, context.signal);
    }
    this.#condition.isEngineReady = true;
    this.#isNetworkUp = true;
    await Promise.all([ports.audit(), resumed.clockIsSet()]);
    shares.engineReady();
  }

  /** A VM is saved only if its engine answers: `down` and `up` are also how people get rid of a fault. */
  async #endingOf(isToStop: boolean, context: OperationContext): Promise<VmEnding> {
    const { driver, engine, loadSettings, shares } = this.#parts;
    const { machine } = await loadSettings().catch(() => this.#settings);
    if (isToStop || machine.onDown === 'stop') return 'stop';
    const state = await stateToStop(driver, context.signal);
    if (state !== 'running') return state === 'saved' ? 'save' : 'stop';
    if (!this.#isNetworkUp) {
      this.#notice(notSaved('it has not been started by this daemon, or not completely'), context);
      return 'stop';
    }
    try {
      await engine.ping(timeLimit(ANSWER_MS, context.signal));
    } catch {
      context.signal.throwIfAborted();
      this.#notice(notSaved('its engine does not answer'), context);
      return 'stop';
    }
    return (await this.#saved(this.#settings, context).noteShares(shares.ids())) ? 'save' : 'stop';
  }

  async #down(ending: VmEnding, context: OperationContext, limits?: LimitedEnd): Promise<void> {
    const { host, guest, shares } = this.#parts;
    this.#pending = [];
    guest.unfollow();
    await shares.prepare(this.#settings);
    shares.vmLost();
    // A guest that sees its connections end connects again as soon as it is resumed; otherwise it would find out late.
    if (ending === 'save') await removeEach(host.connections(this.#settings), context);
    if (ending === 'stop' && !this.#isNetworkUp) await this.#connectSaved(context);
    const vm = this.#vmResources(this.#settings, true, context, { ending, limits });
    const running = vm.all.filter(({ lifetime }) => lifetime === 'machine');
    await this.#run(removeSteps(running), context);
    await removeEach(await this.#made('machine'), context);
    host.forget();
    this.#isNetworkUp = false;
  }

  /** A saved guest that is resumed to shut down may still have to write to shares of the host. */
  async #connectSaved(context: OperationContext): Promise<void> {
    const { driver, guest, host, logger } = this.#parts;
    if ((await stateToStop(driver, context.signal)) !== 'saved') return;
    try {
      await host.prepare(this.#settings, undefined, context.signal);
      await this.#run([...ensureSteps(host.resources(this.#settings)), guest.prepareStep()], context);
    } catch (error) {
      context.signal.throwIfAborted();
      // It shuts down without a network as well.
      logger.warn('vm.saved.unconnected', { reason: textOf(error) });
    }
  }

  async #uninstall(keepData: boolean, context: OperationContext): Promise<void> {
    const { installation, files } = this.#parts;
    await this.#down(keepData ? 'stop' : 'discard', context);
    const vm = this.#vmResources(this.#settings, false, context, { removesData: !keepData });
    const installed = vm.all.filter(({ lifetime }) => lifetime === 'installation');
    const made = await this.#made('installation');
    await removeEach([...files(), ...installation(this.#settings), ...installed, ...made], context);
    this.#isUninstalled = true;
  }

  async #made(lifetime: Lifetime): Promise<readonly ManagedResource[]> {
    return (await this.#parts.host.made(this.#settings)).filter((each) => each.lifetime === lifetime);
  }

  #resources(settings: Settings, vm: VmResources): readonly ManagedResource[] {
    const { installation, host, guest } = this.#parts;
    return [
      ...installation(settings),
      ...host.resources(settings),
      stepResource(guest.prepareStep()),
      ...vm.all,
    ];
  }

  #vmResources(
    settings: Settings,
    isRunning: boolean,
    context?: OperationContext,
    {
      ending = 'stop',
      limits,
      removesData = false,
      hasResumed,
    }: {
      readonly ending?: VmEnding;
      readonly limits?: LimitedEnd | undefined;
      readonly removesData?: boolean;
      readonly hasResumed?: (step: EnsureContext) => void;
    } = {},
  ): VmResources {
    const { driver, boot, dataDisk } = this.#parts;
    return new VmResources({
      driver,
      boot,
      isRunning,
      dataDisk,
      removesData,
      ending,
      limits,
      ...(hasResumed && { hasResumed }),
      saved: this.#saved(settings, context),
      spec: () => this.#specFor(settings),
      gracefulSeconds: settings.vm.stopTimeoutSeconds,
      notice: (message) => {
        if (context !== undefined) this.#notice(message, context);
      },
    });
  }

  #saved(settings: Settings, context: OperationContext | undefined): SavedMachine {
    const { driver, engine, guest, guestRecord: record, host, logger, shares } = this.#parts;
    return new SavedMachine({
      driver,
      record,
      logger,
      namespace: host.describe().namespace,
      wanted: () =>
        givenToGuest({
          settings,
          spec: this.#specFor(settings),
          subnet: host.describe().subnet,
          credentials: guest.credentialsDigest,
          shares: shares.ids(),
        }),
      pingEngine: async (signal) => {
        await engine.ping(signal);
      },
      flushDisk: (signal) => guest.flushDisk(signal),
      gracefulSeconds: settings.vm.stopTimeoutSeconds,
      notice: (message) => {
        if (context !== undefined) this.#notice(message, context);
      },
      startsAgain: () => this.#vm.expectStart(),
    });
  }

  #guestSteps(
    settings: Settings,
    { vm, resumed }: { readonly vm: VmResources; readonly resumed: ResumedGuest },
    context: OperationContext,
  ): readonly Step[] {
    const { boot, driver, engine, guest, host, shares } = this.#parts;
    const timeoutSeconds = settings.vm.bootTimeoutSeconds;
    const pingEngine = async (signal: AbortSignal): Promise<void> => {
      // Each ping is a connection of its own, and an emulated guest takes long for its handshake.
      if (!vm.hasAnswered) await engine.ping(signal);
    };
    return guestSteps({
      boot,
      driver,
      isFreshBoot: () => vm.isFreshBoot,
      exit: () => this.#vm.exit?.detail,
      stall: () => this.#vm.stall,
      hasLease: () => host.hasLease(),
      askedForAddress: () => host.askedForAddress(),
      pingEngine,
      readVersion: async (signal) => {
        this.#engine ??= await engine.version(signal);
      },
      configure: (signal, giveUp) =>
        guest.configure({
          settings,
          timeoutSeconds,
          signal,
          giveUp,
          pingEngine,
          isFreshBoot: vm.isFreshBoot,
          shares: shares.ids(),
        }),
      mountShares:
        shares.ids().length === 0
          ? undefined
          : (signal) => {
              if (!resumed.hasBegun) shares.vmReady();
              return this.#sharesSettle(context, signal);
            },
      bootTimeoutSeconds: timeoutSeconds,
    });
  }

  async #sharesSettle(context: OperationContext, signal: AbortSignal): Promise<void> {
    for (const message of await this.#parts.shares.settled(signal)) this.#notice(message, context);
  }

  #vmIsToStart(settings: Settings, context: OperationContext): void {
    this.#condition.isEngineReady = false;
    this.#pending = [];
    this.#condition.apply('vm.starting');
    const remark = oversized(settings, this.#parts.hostSize);
    if (remark !== undefined) this.#notice(remark, context);
  }

  #comparePending(settings: Settings, spec: VmSpec | undefined, context: OperationContext): void {
    const { driver, host } = this.#parts;
    const { accelerator } = driver.features;
    const network = host.describe();
    this.#pending = pendingSettings(settings, this.#specFor(settings), { spec, accelerator, network });
    if (this.#pending.length === 0) return;
    this.#notice(
      `The running VM keeps its current settings; \`mobyvm restart\` applies: ${pendingText(this.#pending)}`,
      context,
    );
  }

  #notice(message: string, { emit, name }: OperationContext): void {
    this.#parts.logger.warn('operation.notice', { operation: name, message });
    emit({ event: 'operation.notice', operation: name, message });
  }

  #run(steps: readonly Step[], context: OperationContext): Promise<void> {
    return runSteps(steps, { ...context, nowMs });
  }
}

function nowMs(): number {
  return Math.round(performance.now());
}
