/** A cmdlet with its parameters, as data: nothing is quoted until it is sent. Made by {@link cmdlet}. */
export interface CmdletCall {
  readonly cmdlet: string;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
}

/** What a parameter may be given. `true` for a switch parameter sets it, `false` leaves it out. */
export type ParameterValue =
  | string
  | number
  | boolean
  | Guid
  | Date
  | Secret
  | Hidden
  | CmdletCall
  | readonly (string | number | Hidden)[]
  | Hashtable;

/** For the arguments of a CIM method. A CmdletCall stands for the objects that it gives. */
export interface Hashtable {
  readonly table: Readonly<Record<string, ParameterValue>>;
}

/** 8-4-4-4-12 hexadecimal digits, without braces. */
export interface Guid {
  readonly guid: string;
}

/**
 * Text for a parameter that takes no SecureString, with something in it that nobody else may read: neither our log nor what Windows
 * records of commands has it.
 */
export interface Hidden {
  readonly hidden: string;
}

/** Becomes a SecureString that is read from standard input; it never stands in the text of a command. */
export interface Secret {
  readonly secret: string;
}
