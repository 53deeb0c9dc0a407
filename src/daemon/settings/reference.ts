import { z } from 'zod';
import { settingsSchema } from './schema.js';

const choice = z.looseObject({
  enum: z.array(z.unknown()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});
const property = z.looseObject({
  anyOf: z.array(choice).optional(),
  description: z.string().default(''),
  default: z.unknown().optional(),
  type: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});
const group = z.looseObject({ properties: z.record(z.string(), property) });
const document = z.looseObject({ properties: z.record(z.string(), group) });

/** docs/settings.md, generated from the schema so that the two cannot diverge. */
export function settingsReference(): string {
  const schema = document.parse(z.toJSONSchema(settingsSchema, { io: 'input' }));
  const groups = Object.entries(schema.properties).map(([name, { properties }]) => {
    const rows = Object.entries(properties).map(
      ([key, value]) =>
        `| \`${name}.${key}\` | ${values(value)} | ${shownDefault(value.default)} | ${value.description} |`,
    );
    return [
      `## ${name}`,
      '',
      '| setting | values | default | meaning |',
      '| --- | --- | --- | --- |',
      ...rows,
      '',
    ].join('\n');
  });
  return [
    '# Settings',
    '',
    'Settings are read from the JSON file `/etc/mobyvm/settings.json`, or from the file named by `MOBYVM_SETTINGS`. The file is UTF-8 or UTF-16, with or without byte order mark. A missing file or setting means the default.',
    'Unknown settings and invalid values are rejected, with all problems reported at once. Changes take effect at the next `mobyvm up`; some need a `mobyvm restart` while the VM is running, and `up` lists those.',
    'The file may name its `version`, a number: that of its format, today 1, which is also that of a file without. `mobyvm up` rewrites settings of an earlier version and keeps the earlier file beside, as `settings.json.version-N`; settings of a later version are rejected.',
    'This page is generated (`npm run docs:settings`).',
    '',
    ...groups,
  ].join('\n');
}

function values(value: z.infer<typeof property>): string {
  if (value.anyOf !== undefined)
    return value.anyOf.map((each) => values({ ...each, description: '' })).join(', ');
  if (value.enum !== undefined) return value.enum.map((item) => `\`${String(item)}\``).join(', ');
  if (value.minimum !== undefined && value.maximum !== undefined)
    return `${value.minimum} to ${value.maximum}`;
  if (value.type === 'array') return 'list';
  if (value.type === 'boolean') return '`true`, `false`';
  return value.type === 'object' ? 'JSON object' : 'text';
}

function shownDefault(value: unknown): string {
  return value === undefined ? 'none' : `\`${JSON.stringify(value)}\``;
}
