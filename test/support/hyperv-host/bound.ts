import { z } from 'zod';
import type { BoundCall, HostObject } from '../pwsh-host/stub-calls.js';

const objectSchema = z.record(z.string(), z.unknown());

/** A call's parameters, read as what they must be by now: the binder has seen to it. */
export class Bound {
  readonly command: string;
  readonly #parameters: BoundCall['parameters'];

  constructor({ command, parameters }: BoundCall) {
    this.command = command;
    this.#parameters = parameters;
  }

  has(name: string): boolean {
    return this.#parameters[name] !== undefined;
  }

  text(name: string): string {
    return z
      .union([z.string(), z.array(z.string()).length(1)])
      .parse(this.#parameters[name])
      .toString();
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  texts(name: string): readonly string[] {
    return z.array(z.string()).parse([this.#parameters[name] ?? []].flat());
  }

  number(name: string): number {
    const value = this.#parameters[name];
    return z.number().parse(Array.isArray(value) ? value[0] : value);
  }

  optionalNumber(name: string): number | undefined {
    return this.has(name) ? this.number(name) : undefined;
  }

  boolean(name: string): boolean | undefined {
    return z.boolean().optional().parse(this.#parameters[name]);
  }

  /** The one object that came by the pipeline, or was given. */
  object(name: string): HostObject | undefined {
    const value = this.#parameters[name];
    return value === undefined ? undefined : objectSchema.parse(Array.isArray(value) ? value[0] : value);
  }

  table(name: string): HostObject {
    return objectSchema.parse(this.#parameters[name]);
  }
}

export type Handler = (bound: Bound) => readonly HostObject[];
export type Handlers = Readonly<Record<string, Handler>>;
