import { Parser } from 'xml2js';
import { z } from 'zod';
import { CodecError } from '../../core/values/index.js';
import { checkXmlFence } from './cim-xml-fence.plan.js';

/**
 * `Msvm_KvpExchangeDataItem` in CIM-XML (elements INSTANCE and PROPERTY of DMTF DSP0201, CIM DTD 2.0), one text for
 * each item, as WMI's `GetText(1)` writes it and `AddKvpItems` takes it:
 *
 *     <INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem">
 *       <PROPERTY NAME="Data" TYPE="string"><VALUE>10.0.75.2</VALUE></PROPERTY>
 *       <PROPERTY NAME="Name" TYPE="string"><VALUE>NetworkAddressIPv4</VALUE></PROPERTY>
 *       <PROPERTY NAME="Source" TYPE="uint16"><VALUE>2</VALUE></PROPERTY> …
 *
 * Properties are found by name. A property without VALUE is empty. The text contains what the guest wrote, so it is
 * checked first (cim-xml-fence.plan.ts) before xml2js parses it synchronously.
 */
export interface CimItem {
  readonly name: string;
  readonly data: string;
  /** 0 host (External), 1 guest, 2 intrinsic, 4 host only; undefined where the property is missing or empty. */
  readonly source: number | undefined;
  /** All other properties with their values, kept as they are. */
  readonly others: ReadonlyMap<string, string>;
}

const CLASS_NAME = 'Msvm_KvpExchangeDataItem';

/** @throws CodecError for anything but one item */
export function decodeCimItem(xml: string): CimItem {
  const properties = propertiesOf(xml);
  const name = properties.get('Name') ?? '';
  if (name === '') throw new CodecError('Name', 0, 'is missing or empty');
  const source = properties.get('Source') ?? '';
  if (!/^[0-9]{0,5}$/.test(source)) throw new CodecError('Source', 0, 'is not a number');
  const others = new Map([...properties].filter(([key]) => !['Name', 'Data', 'Source'].includes(key)));
  return {
    name,
    data: properties.get('Data') ?? '',
    source: source === '' ? undefined : Number(source),
    others,
  };
}

/**
 * In the form and order of `GetText(1)`.
 * @throws CodecError for characters that XML 1.0 (§2.2) has no way to write
 */
export function encodeCimItem(item: {
  readonly name: string;
  readonly data: string;
  readonly source?: number;
}): string {
  if (item.name === '') throw new CodecError('Name', 0, 'is empty');
  return [
    `<INSTANCE CLASSNAME="${CLASS_NAME}">`,
    emptyProperty('Caption'),
    property('Data', 'string', item.data),
    emptyProperty('Description'),
    emptyProperty('ElementName'),
    emptyProperty('InstanceID'),
    property('Name', 'string', item.name),
    property('Source', 'uint16', String(item.source ?? 0)),
    '</INSTANCE>',
  ].join('');
}

function property(name: string, type: string, value: string): string {
  return `<PROPERTY NAME="${name}" TYPE="${type}"><VALUE>${escapeText(value, name)}</VALUE></PROPERTY>`;
}

function emptyProperty(name: string): string {
  return `<PROPERTY NAME="${name}" PROPAGATED="true" TYPE="string"></PROPERTY>`;
}

const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };

function escapeText(text: string, field: string): string {
  const at = text.search(UNWRITABLE);
  if (at >= 0) throw new CodecError(field, at, 'holds a character that XML cannot carry');
  // A bare CR would come back as LF (XML 1.0 §2.11).
  return text.replaceAll(/[&<>\r]/g, (character) => ESCAPES[character] ?? character);
}

const VALUE = z.union([z.string(), z.object({ _: z.string() })]);
const INSTANCE = z.object({
  INSTANCE: z.object({
    $: z.object({ CLASSNAME: z.literal(CLASS_NAME) }),
    PROPERTY: z
      .array(z.object({ $: z.object({ NAME: z.string().min(1) }), VALUE: z.tuple([VALUE]).optional() }))
      .optional(),
  }),
});

/** By name; a Map, because names come from outside and `__proto__` is one like any other. */
function propertiesOf(xml: string): ReadonlyMap<string, string> {
  const parsed = INSTANCE.safeParse(parseXml(xml));
  if (!parsed.success) throw new CodecError('INSTANCE', 0, `is not one ${CLASS_NAME}`);
  const properties = new Map<string, string>();
  for (const { $, VALUE: value } of parsed.data.INSTANCE.PROPERTY ?? []) {
    if (properties.has($.NAME)) throw new CodecError($.NAME, 0, 'occurs twice');
    properties.set($.NAME, value === undefined ? '' : textOfValue(value[0]));
  }
  return properties;
}

function textOfValue(value: z.infer<typeof VALUE>): string {
  return typeof value === 'string' ? value : value._;
}

/** xml2js calls back before `parseString` returns, unless `async` is set. */
function parseXml(xml: string): unknown {
  checkXmlFence(xml);
  let result: unknown;
  let failure: unknown = 'no result';
  new Parser({ async: false, strict: true, explicitArray: true, explicitCharkey: true }).parseString(
    xml,
    (error: unknown, value: unknown) => {
      result = value;
      failure = error;
    },
  );
  if (failure !== null) throw new CodecError('XML', 0, 'is not well-formed');
  return result;
}
