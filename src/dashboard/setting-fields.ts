/** A setting, as the form of the settings shows it. */
export interface SettingField {
  /** `vm.cpus` */
  readonly name: string;
  readonly group: string;
  readonly key: string;
  readonly help: string;
  readonly kind: 'number' | 'text' | 'choice' | 'switch' | 'json';
  /** What can be chosen. */
  readonly choices: readonly string[];
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly usual: unknown;
}

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
}

type Groups = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The fields of a JSON Schema whose groups have settings. */
export function settingFields(schema: Schema, defaults: Groups): readonly SettingField[] {
  return Object.entries(schema.properties ?? {}).flatMap(([group, { properties = {} }]) =>
    Object.entries(properties).map(([key, each]) => ({
      name: `${group}.${key}`,
      group,
      key,
      help: each.description ?? '',
      kind: kindOf(each),
      choices: (each.enum ?? []).map(String),
      min: each.minimum,
      max: each.maximum,
      usual: defaults[group]?.[key],
    })),
  );
}

function kindOf({ type, enum: choices, anyOf }: Schema): SettingField['kind'] {
  if (choices !== undefined) return 'choice';
  if (anyOf !== undefined) return 'text';
  if (type === 'boolean') return 'switch';
  if (type === 'integer' || type === 'number') return 'number';
  return type === 'string' ? 'text' : 'json';
}

/** What a field shows for a value; empty for the default. */
export function fieldText(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The value that was typed. What is not right is sent as it is: the daemon says what is wrong with it. */
export function typedValue({ kind }: SettingField, text: string): unknown {
  if (text.trim() === '') return undefined;
  if (kind === 'switch') return text === 'true';
  const isNumber = /^-?\d+(\.\d+)?$/.test(text.trim());
  if (kind === 'number' || (kind === 'text' && isNumber)) return isNumber ? Number(text) : text;
  if (kind !== 'json') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The settings to write: what the form has no field for stays. */
export function settingsFrom(
  before: Groups,
  fields: readonly SettingField[],
  texts: Readonly<Record<string, string>>,
): Groups {
  const names = new Set([...Object.keys(before), ...fields.map(({ group }) => group)]);
  const groups = [...names].map((name) => {
    const own = fields.filter(({ group }) => group === name);
    const kept = Object.entries(before[name] ?? {}).filter(([key]) => !own.some((each) => each.key === key));
    const typed = own.map((field) => [field.key, typedValue(field, texts[field.name] ?? '')] as const);
    return [
      name,
      Object.fromEntries([...kept, ...typed.filter(([, value]) => value !== undefined)]),
    ] as const;
  });
  return Object.fromEntries(groups.filter(([, group]) => Object.keys(group).length > 0));
}

/** The problems in a message of the daemon by setting: `  vm.cpus: must be … (is 99)`. */
export function problemsIn(
  message: string,
  fields: readonly SettingField[],
): Readonly<Record<string, string>> {
  const lines = message.split('\n').map((line) => line.trim());
  return Object.fromEntries(
    fields.flatMap(({ name }) => {
      const found = lines.find((line) => line.startsWith(`${name}:`) || line.startsWith(`${name}.`));
      return found === undefined ? [] : [[name, found] as const];
    }),
  );
}
