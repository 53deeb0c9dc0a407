/** A cmdlet with its parameters, as data: nothing is quoted until it is sent. Created by {@link cmdlet}. */
export interface CmdletCall {
  readonly cmdlet: string;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
}

/** The value of a parameter. `true` sets a switch parameter, `false` omits it. */
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

/** For the arguments of a CIM method. A CmdletCall is replaced by the objects that it returns. */
export interface Hashtable {
  readonly table: Readonly<Record<string, ParameterValue>>;
}

/** 8-4-4-4-12 hexadecimal digits, without braces. */
export interface Guid {
  readonly guid: string;
}

/**
 * Confidential text for a parameter that does not accept a SecureString. It appears neither in our log nor in
 * what Windows records of commands.
 */
export interface Hidden {
  readonly hidden: string;
}

/** Becomes a SecureString that is read from standard input; the text of a command never contains it. */
export interface Secret {
  readonly secret: string;
}
