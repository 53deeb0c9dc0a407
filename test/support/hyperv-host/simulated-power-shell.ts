import { MobyvmError } from '../../../src/core/values/index.js';
import {
  cmdletEntry,
  PowerShellError,
  type CallOptions,
  type CmdletCall,
  type FieldKind,
  type Fields,
  type ParameterValue,
  type Pipeline,
  type PowerShell,
  type Query,
  type Row,
} from '../../../src/powershell/index.js';
import type { AnswerCmdlet, HostObject } from '../pwsh-host/stub-calls.js';

/** The parameters that take what another cmdlet of that noun gives. */
const INPUTS = [
  'VM',
  'VMNetworkAdapter',
  'VMDvdDrive',
  'VMHardDiskDrive',
  'VMIntegrationService',
  'VMSwitch',
];

/** The typed calls without a PowerShell between: each cmdlet is answered by a simulated host. */
export class SimulatedPowerShell implements PowerShell {
  readonly #answer: AnswerCmdlet;
  #isClosed = false;

  constructor(answer: AnswerCmdlet) {
    this.#answer = answer;
  }

  read<F extends Fields>({ pipeline, fields }: Query<F>, options: CallOptions): Promise<readonly Row<F>[]> {
    return this.#call(pipeline, options).then((objects) => objects.map((each) => rowOf(each, fields)));
  }

  async run(pipeline: Pipeline, options: CallOptions): Promise<void> {
    await this.#call(pipeline, options);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  async #call([first, ...rest]: Pipeline, { signal }: CallOptions): Promise<readonly HostObject[]> {
    signal.throwIfAborted();
    if (this.#isClosed) throw new MobyvmError('MOBYVM_ABORTED', 'The session was closed.', '');
    // As a session does, it answers later.
    await new Promise((later) => setImmediate(later));
    let objects = this.#invoke(first, undefined);
    let noun = nounOf(first);
    for (const stage of rest) {
      if ('where' in stage) {
        const { where, equals } = stage;
        objects = objects.filter((each) => String(each[where]).toLowerCase() === equals.toLowerCase());
        continue;
      }
      const input = inputOf(stage, noun);
      objects = objects.flatMap((each) => this.#invoke(stage, { name: input, value: each }));
      noun = nounOf(stage);
    }
    signal.throwIfAborted();
    return objects;
  }

  #invoke(
    { cmdlet, parameters }: CmdletCall,
    input: { readonly name: string; readonly value: HostObject } | undefined,
  ): readonly HostObject[] {
    const bound = Object.entries(parameters)
      .filter(([name, value]) => value !== false || cmdletEntry(cmdlet)?.parameters[name] !== 'switch')
      .map(([name, value]) => [name, this.#plain(value)] as const);
    const answer = this.#answer({
      command: cmdlet,
      parameters: { ...Object.fromEntries(bound), ...(input && { [input.name]: [input.value] }) },
    });
    switch (answer.kind) {
      case 'rows':
        return answer.rows;
      case 'failure':
        throw new PowerShellError({ ...answer.failure, command: cmdlet });
      case 'hang':
      case 'exit':
        throw new MobyvmError('MOBYVM_POWERSHELL', `PowerShell did not answer: ${cmdlet}`, 'Try again.');
    }
  }

  /** What a call in brackets gives. */
  #objectOf(call: CmdletCall): readonly HostObject[] {
    const found = this.#invoke(call, undefined);
    if (found.length === 0) throw nothingToBind(call.cmdlet);
    return found;
  }

  /** As it would reach the cmdlet. */
  #plain(value: ParameterValue): unknown {
    if (value instanceof Date) return value.toISOString();
    if (Array.isArray(value)) return value.map((each: ParameterValue) => this.#plain(each));
    if (typeof value !== 'object') return value;
    if ('guid' in value) return value.guid;
    if ('secret' in value) return value.secret;
    if ('hidden' in value) return value.hidden;
    if ('cmdlet' in value) return this.#objectOf(value);
    if ('table' in value)
      return Object.fromEntries(Object.entries(value.table).map(([name, each]) => [name, this.#plain(each)]));
    return value;
  }
}

/** As the binder refuses a parameter whose value is nothing. */
function nothingToBind(cmdlet: string): PowerShellError {
  return new PowerShellError({
    ...{ errorId: 'ParameterArgumentValidationErrorNullNotAllowed', category: 'InvalidData', hresult: 0 },
    ...{ command: cmdlet, message: 'Das Argument kann nicht gebunden werden, da es NULL ist.' },
  });
}

function nounOf({ cmdlet }: CmdletCall): string {
  return cmdlet.slice(cmdlet.indexOf('-') + 1);
}

function inputOf({ cmdlet }: CmdletCall, noun: string): string {
  const inputs = cmdletEntry(cmdlet)?.input ?? [];
  const found =
    inputs.find((name) => (name === noun && INPUTS.includes(name)) || name === `Associated${noun}`) ??
    inputs.find((name) => name === 'InputObject');
  if (found === undefined) throw new Error(`${cmdlet} takes nothing of ${noun}`);
  return found;
}

function rowOf<F extends Fields>(object: HostObject, fields: F): Row<F> {
  const values = Object.entries(fields).map(([path, kind]) => [path, valueOf(object, path, kind)] as const);
  return Object.fromEntries(values) as Row<F>;
}

/**
 * As PowerShell enumerates members: of a list it gives that property of each object that has it, and of a
 * list of one the value itself.
 */
function memberOf(object: unknown, name: string): unknown {
  if (!Array.isArray(object)) return (object as HostObject | null | undefined)?.[name];
  const found = object.flatMap((each: unknown) =>
    each !== null && typeof each === 'object' && name in each ? memberOf(each, name) : [],
  );
  return found.length === 1 ? found[0] : found;
}

function valueOf(object: HostObject, path: string, kind: FieldKind): unknown {
  const found = path.split('.').reduce<unknown>((each, name) => memberOf(each, name), object);
  if (kind === 'texts' || kind === 'hidden texts' || kind === 'numbers') {
    // `foreach` does nothing for null, but takes a null within a list.
    const values: readonly unknown[] = [found ?? []].flat();
    return kind === 'numbers' ? values : values.map((each) => textOf(each));
  }
  if (found === undefined || found === null) return undefined;
  return kind === 'text' ? textOf(found) : found;
}

/** As PowerShell makes text of a value. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
