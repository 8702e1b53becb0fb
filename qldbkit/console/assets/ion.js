/* Binary Ion, read in this page, so that what is hashed and shown here are the ledger's own bytes. */

const MARKER = [0xe0, 0x01, 0x00, 0xea];
const SYSTEM = [
  null,
  "$ion",
  "$ion_1_0",
  "$ion_symbol_table",
  "name",
  "version",
  "imports",
  "symbols",
  "max_id",
  "$ion_shared_symbol_table",
];
const IMPORTS = 6;
const SYMBOLS = 7;
const MOST_DEPTH = 128; // as the ledger has it
const LARGEST = 2 ** 40; // of a number of the encoding: no length, and no symbol, is ever near it

export const Type = {
  NULL: 0,
  BOOL: 1,
  INT: 2,
  NEGATIVE_INT: 3,
  FLOAT: 4,
  DECIMAL: 5,
  TIMESTAMP: 6,
  SYMBOL: 7,
  STRING: 8,
  CLOB: 9,
  BLOB: 10,
  LIST: 11,
  SEXP: 12,
  STRUCT: 13,
};
const ANNOTATION = 14;

/** The bytes are not the binary Ion that they should be. */
export class IonError extends Error {}

/** A place in bytes, from which one thing after the other is read, up to an end. */
export class Reader {
  constructor(data, at = 0, end = data.length) {
    Object.assign(this, { data, at, end });
  }

  get done() {
    return this.at >= this.end;
  }

  octet() {
    if (this.done) throw new IonError(`the Ion ends in the middle of a value, at byte ${this.at}`);
    return this.data[this.at++];
  }

  varUInt(number = 0) {
    for (;;) {
      const octet = this.octet();
      number = number * 128 + (octet & 0x7f);
      if (number > LARGEST) throw new IonError(`the Ion has no such number, at byte ${this.at}`);
      if (octet & 0x80) return number;
    }
  }

  /** A signed number, which may be a negative zero: `[negative, magnitude]`. */
  varInt() {
    const first = this.octet();
    const magnitude = first & 0x3f;
    return [(first & 0x40) !== 0, first & 0x80 ? magnitude : this.varUInt(magnitude)];
  }

  /** What is left. */
  rest() {
    return this.data.subarray(this.at, this.end);
  }

  /** A reader of the next bytes, which this one then is behind. */
  part(length) {
    const from = this.at;
    if (length > this.end - from) {
      throw new IonError(`a value goes beyond what it is in, at byte ${from}`);
    }
    this.at += length;
    return new Reader(this.data, from, this.at);
  }
}

/**
 * The only value of a document of binary Ion.
 *
 * A value has its `type`, its `annotations`, and `isNull`; besides, a bool and a symbol has its
 * `value` (null for a symbol of unknown text), a list and a sexp its `elements`, a struct its
 * `fields`, pairs of a name and a value, and any other its `body`, the bytes that represent it.
 *
 * Throws an IonError where the bytes are damaged, or hold more or less than one value.
 */
export function ionValue(data) {
  const reader = new Reader(data);
  if (!isMarker(reader)) throw new IonError("binary Ion begins with the marker E0 01 00 EA");
  let texts = SYSTEM;
  const found = [];
  while (!reader.done) {
    if (isMarker(reader)) {
      texts = SYSTEM;
      continue;
    }
    const each = valueAt(reader, texts, 0);
    if (each === null) continue;
    if (each.type === Type.STRUCT && each.annotations[0] === "$ion_symbol_table") {
      texts = tableOf(each, texts);
    } else found.push(each);
  }
  if (found.length !== 1) throw new IonError(`one Ion value was expected, not ${found.length}`);
  return found[0];
}

function isMarker(reader) {
  if (!MARKER.every((each, at) => reader.data[reader.at + at] === each)) return false;
  reader.at += MARKER.length;
  return true;
}

/** The symbols behind a local symbol table. */
function tableOf({ fields }, before) {
  let texts = SYSTEM;
  let added = [];
  for (const [name, value] of fields) {
    if (name === SYSTEM[IMPORTS] && value.value === "$ion_symbol_table") texts = before;
    else if (name === SYSTEM[IMPORTS] && value.elements?.length) {
      throw new IonError("the Ion imports a symbol table, which the ledger never does");
    } else if (name === SYSTEM[SYMBOLS] && value.elements) {
      added = value.elements.map((each) =>
        each.type === Type.STRING && !each.isNull ? utf8(each.body) : null,
      );
    }
  }
  return [...texts, ...added];
}

/** The next value; null for padding. */
function valueAt(reader, texts, depth) {
  const start = reader.at;
  const descriptor = reader.octet();
  const [code, low] = [descriptor >> 4, descriptor & 0x0f];
  if (code > ANNOTATION) throw new IonError(`the Ion has a reserved type, at byte ${start}`);
  const isNull = low === 15 && code !== ANNOTATION;
  const part = reader.part(length(reader, code, low));
  if (code === Type.NULL && !isNull) return null;
  if (code === ANNOTATION) return annotated(part, texts, depth);
  const type = code === Type.NEGATIVE_INT && isNull ? Type.INT : code;
  const value = { type, isNull, annotations: [], body: part.rest() };
  if (isNull) return value;
  if (type === Type.BOOL) return { ...value, value: truth(low, start) };
  if (type === Type.SYMBOL) return { ...value, value: textOf(texts, number(part), start) };
  if (type < Type.LIST) return value;
  if (depth >= MOST_DEPTH) throw new IonError(`the Ion is nested deeper than ${MOST_DEPTH}`);
  return type === Type.STRUCT
    ? { ...value, fields: fieldsOf(part, texts, depth + 1) }
    : { ...value, elements: elementsOf(part, texts, depth + 1) };
}

function length(reader, code, low) {
  if (low === 15 || code === Type.BOOL) return 0;
  return low === 14 || (low === 1 && code === Type.STRUCT) ? reader.varUInt() : low;
}

function truth(low, start) {
  if (low > 1) throw new IonError(`a bool is neither true nor false, at byte ${start}`);
  return low === 1;
}

function annotated(part, texts, depth) {
  const start = part.at;
  const ids = part.part(part.varUInt());
  const annotations = [];
  while (!ids.done) annotations.push(textOf(texts, ids.varUInt(), start));
  const value = annotations.length && !part.done ? valueAt(part, texts, depth) : null;
  if (value === null || value.annotations.length || !part.done) {
    throw new IonError(`an annotation is malformed, at byte ${start}`);
  }
  return { ...value, annotations };
}

function elementsOf(part, texts, depth) {
  const found = [];
  while (!part.done) {
    const each = valueAt(part, texts, depth);
    if (each !== null) found.push(each);
  }
  return found;
}

function fieldsOf(part, texts, depth) {
  const found = [];
  while (!part.done) {
    const [start, symbol] = [part.at, part.varUInt()];
    const each = valueAt(part, texts, depth);
    if (each !== null) found.push([textOf(texts, symbol, start), each]);
  }
  return found;
}

function number(part) {
  let found = 0;
  while (!part.done) found = Math.min(found * 256 + part.octet(), LARGEST);
  return found;
}

function textOf(texts, symbol, start) {
  if (symbol >= texts.length) {
    throw new IonError(`symbol ${symbol} is in no symbol table, at byte ${start}`);
  }
  return texts[symbol];
}

/** The text of UTF-8. */
export function utf8(body) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new IonError("a text in the Ion is not UTF-8");
  }
}
