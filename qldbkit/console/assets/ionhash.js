/* Ion hash, computed in this page, after the specification at amazon-ion.github.io/ion-hash. */

import { sha256 } from "./hashes.js";
import { IonError, Reader, Type, ionValue } from "./ion.js";

const [BEGIN, ESCAPE, END] = [0x0b, 0x0c, 0x0e];
const ANNOTATED = 0xe0;
const SYMBOL = 0x70;
const UNKNOWN = 0x71;
const NOT_A_NUMBER = [0x7f, 0xf8, 0, 0, 0, 0, 0, 0];

/** The Ion hash of the only value of binary Ion; a test may give another hash than SHA-256. */
export async function ionHash(data, hash = sha256) {
  return hash(await serialized(ionValue(data), hash));
}

async function serialized(value, hash) {
  const bare = await unannotated(value, hash);
  if (value.annotations.length === 0) return bare;
  return joined([BEGIN, ANNOTATED], ...value.annotations.map(symbol), bare, [END]);
}

async function unannotated(value, hash) {
  const { type, isNull } = value;
  if (isNull) return joined([BEGIN, (type << 4) | 0x0f, END]);
  if (type === Type.SYMBOL) return symbol(value.value);
  if (type === Type.BOOL) return joined([BEGIN, (type << 4) | Number(value.value), END]);
  if (type === Type.STRUCT) return struct(value.fields, hash);
  if (value.elements) {
    const parts = await Promise.all(value.elements.map((each) => serialized(each, hash)));
    return joined([BEGIN, type << 4], ...parts, [END]);
  }
  const body = (REPRESENTATIONS[type] ?? ((each) => each))(value.body);
  const sign = type === Type.NEGATIVE_INT && body.length === 0 ? Type.INT : type;
  return joined([BEGIN, sign << 4], escaped(body), [END]);
}

/** A symbol, which field names and annotations are too; null for one of unknown text. */
function symbol(text) {
  if (text === null) return joined([BEGIN, UNKNOWN, END]);
  return joined([BEGIN, SYMBOL], escaped(new TextEncoder().encode(text)), [END]);
}

async function struct(fields, hash) {
  const hashes = await Promise.all(
    fields.map(async ([name, value]) =>
      hash(joined(symbol(name), await serialized(value, hash))),
    ),
  );
  hashes.sort(inOrder);
  return joined([BEGIN, Type.STRUCT << 4], escaped(joined(...hashes)), [END]);
}

function inOrder(left, right) {
  const at = left.findIndex((each, index) => each !== right[index]);
  return at < 0 || at >= right.length ? left.length - right.length : left[at] - right[at];
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of parts) {
    whole.set(each, at);
    at += each.length;
  }
  return whole;
}

/** The bytes that have a meaning in what is hashed stand behind an escape. */
function escaped(body) {
  const special = (each) => each === BEGIN || each === ESCAPE || each === END;
  if (!body.some(special)) return body;
  return Uint8Array.from([...body].flatMap((each) => (special(each) ? [ESCAPE, each] : [each])));
}

/** What is hashed of a number: its shortest encoding, so that equal values hash alike. */
const REPRESENTATIONS = {
  [Type.INT]: withoutZeros,
  [Type.NEGATIVE_INT]: withoutZeros,
  [Type.FLOAT]: float,
  [Type.DECIMAL]: decimal,
  [Type.TIMESTAMP]: timestamp,
};

function withoutZeros(body) {
  const first = body.findIndex((each) => each !== 0);
  return first < 0 ? new Uint8Array() : body.subarray(first);
}

function float(body) {
  const number = floatOf(body);
  if (Number.isNaN(number)) return Uint8Array.from(NOT_A_NUMBER);
  if (Object.is(number, 0)) return new Uint8Array();
  const double = new DataView(new ArrayBuffer(8));
  double.setFloat64(0, number);
  return new Uint8Array(double.buffer);
}

/** The number that 0, 4 or 8 bytes represent. */
export function floatOf(body) {
  if (![0, 4, 8].includes(body.length)) throw new IonError("a float has 0, 4 or 8 bytes");
  if (body.length === 0) return 0;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  return body.length === 4 ? view.getFloat32(0) : view.getFloat64(0);
}

function decimal(body) {
  if (body.length === 0) return body;
  const reader = new Reader(body);
  const found = joined(signed(...reader.varInt()), coefficient(reader.rest()));
  return found.length === 1 && found[0] === 0x80 ? new Uint8Array() : found;
}

function timestamp(body) {
  const reader = new Reader(body);
  const parts = [signed(...reader.varInt())];
  while (!reader.done && parts.length < 7) parts.push(unsigned(reader.varUInt()));
  if (!reader.done) {
    const exponent = signed(...reader.varInt());
    const digits = coefficient(reader.rest());
    const isZero = digits.length === 0 || (digits.length === 1 && digits[0] === 0x80);
    const isFraction = (exponent[0] & 0x40) !== 0 && !(exponent.length === 1 && exponent[0] === 0xc0);
    // A zero with an exponent that is not negative says nothing about fractions of a second
    if (!isZero || isFraction) parts.push(exponent, isZero ? [] : digits);
  }
  return joined(...parts);
}

function unsigned(number) {
  const octets = [(number % 128) | 0x80];
  for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128)) {
    octets.unshift(left % 128);
  }
  return octets;
}

function signed(negative, magnitude) {
  const octets = unsigned(magnitude);
  if (octets[0] & 0x40) octets.unshift(0); // which is where the sign goes
  octets[0] |= negative ? 0x40 : 0;
  return octets;
}

/** The shortest encoding of an Int, whose sign is in the first bit; nothing for a positive zero. */
function coefficient(body) {
  if (body.length === 0) return body;
  const negative = body[0] & 0x80;
  const magnitude = withoutZeros(Uint8Array.from([body[0] & 0x7f, ...body.subarray(1)]));
  if (magnitude.length === 0) return negative ? Uint8Array.of(0x80) : magnitude;
  const found = magnitude[0] & 0x80 ? joined([0], magnitude) : magnitude.slice();
  found[0] |= negative;
  return found;
}
