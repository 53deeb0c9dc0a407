import { CodecError } from '../../core/values/index.js';

/** Far above any item: 2 KB of text, every character escaped, and a dozen empty properties. */
export const MAX_XML_CHARACTERS = 65_536;
const MAX_DEPTH = 16;
const MAX_ELEMENTS = 256;

/**
 * Lets only the plain part of XML 1.0 through that CIM-XML uses: elements in capitals with quoted attributes, text, CDATA.
 * No DTD, no processing instruction, no comment, no entity but the five of XML and character references, one root and
 * nothing after it, bounded depth and count. The parser behind it has no such limits, and takes names such as `__proto__`
 * or `hasOwnProperty` as keys of its objects.
 * @throws CodecError with the place of the first thing that is refused
 */
export function checkXmlFence(xml: string): void {
  if (xml.length > MAX_XML_CHARACTERS) {
    throw new CodecError('XML', MAX_XML_CHARACTERS, `has more than ${MAX_XML_CHARACTERS} characters`);
  }
  const open: string[] = [];
  let elements = 0;
  for (let at = 0; at < xml.length;) {
    const piece = pieceAt(xml, at);
    if (open.length === 0 && (elements > 0 || !piece.isOpening) && !piece.isBlank) {
      throw new CodecError('XML', at, 'has something outside of its one root element');
    }
    if (piece.isOpening) {
      elements += 1;
      if (!piece.isEmpty) open.push(piece.name);
    }
    if (piece.isClosing && open.pop() !== piece.name)
      throw new CodecError('XML', at, 'closes another element');
    if (open.length > MAX_DEPTH) throw new CodecError('XML', at, 'is nested too deeply');
    if (elements > MAX_ELEMENTS) throw new CodecError('XML', at, `has more than ${MAX_ELEMENTS} elements`);
    at += piece.length;
  }
  if (elements === 0 || open.length > 0) throw new CodecError('XML', xml.length, 'ends too early');
}

interface Piece {
  readonly length: number;
  readonly name: string;
  readonly isOpening: boolean;
  readonly isClosing: boolean;
  /** `<NAME/>` */
  readonly isEmpty: boolean;
  readonly isBlank: boolean;
}

const TEXT: Piece = {
  length: 0,
  name: '',
  isBlank: false,
  isOpening: false,
  isClosing: false,
  isEmpty: false,
};

// Each pattern is tried at one place only and has no ambiguity to go back over, so the whole is linear.
const REFERENCE = '&(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});';
const ATTRIBUTE = `[ \\t\\r\\n]+[A-Z][A-Za-z]{0,31}="(?:[^<&"\\0]|${REFERENCE})*"`;
const OPENING = new RegExp(`<([A-Z][A-Z.]{0,31})((?:${ATTRIBUTE}){0,16})[ \\t\\r\\n]*(/?)>`, 'y');
const CLOSING = /<\/([A-Z][A-Z.]{0,31})[ \t\r\n]*>/y;
const CDATA = /<!\[CDATA\[(?:[^\]\0]|\](?!\]>))*\]\]>/y;
const CHARACTERS = new RegExp(`(?:[^<&\\0]|${REFERENCE})+`, 'y');
const REFERENCES = /&#(x?)([0-9A-Fa-f]+);/g;

function pieceAt(xml: string, at: number): Piece {
  const opening = matchAt(OPENING, xml, at);
  if (opening !== undefined) {
    checkReferences(opening[0], at);
    const isEmpty = opening[3] === '/';
    return { ...TEXT, length: opening[0].length, name: opening[1] ?? '', isOpening: true, isEmpty };
  }
  const closing = matchAt(CLOSING, xml, at);
  if (closing !== undefined) {
    return { ...TEXT, length: closing[0].length, name: closing[1] ?? '', isClosing: true };
  }
  const cdata = matchAt(CDATA, xml, at);
  if (cdata !== undefined) return { ...TEXT, length: cdata[0].length };
  const text = matchAt(CHARACTERS, xml, at);
  if (text === undefined) throw new CodecError('XML', at, 'holds something that CIM-XML does not use');
  checkReferences(text[0], at);
  return { ...TEXT, length: text[0].length, isBlank: /^[ \t\r\n]*$/.test(text[0]) };
}

function matchAt(pattern: RegExp, xml: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(xml) ?? undefined;
}

/** XML 1.0 §4.1: a reference names a character, so not NUL, half a surrogate pair or anything above 10FFFF. */
function checkReferences(text: string, at: number): void {
  for (const [, x, digits = ''] of text.matchAll(REFERENCES)) {
    const point = Number.parseInt(digits, x === 'x' ? 16 : 10);
    if (Number.isNaN(point) || point === 0 || point > 0x10_ffff || (point >= 0xd800 && point <= 0xdfff)) {
      throw new CodecError('XML', at, 'refers to something that is no character');
    }
  }
}
