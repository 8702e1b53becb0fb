/* Ion text of binary Ion, written in this page: what its hash is of can be read. */

import { IonError, Reader, Type, ionValue, utf8 } from "./ion.js";
import { floatOf } from "./ionhash.js";

const NAMES = {
  [Type.NULL]: "null",
  [Type.BOOL]: "bool",
  [Type.INT]: "int",
  [Type.FLOAT]: "float",
  [Type.DECIMAL]: "decimal",
  [Type.TIMESTAMP]: "timestamp",
  [Type.SYMBOL]: "symbol",
  [Type.STRING]: "string",
  [Type.CLOB]: "clob",
  [Type.BLOB]: "blob",
  [Type.LIST]: "list",
  [Type.SEXP]: "sexp",
  [Type.STRUCT]: "struct",
};
const KEYWORDS = new Set(["null", "true", "false", "nan"]);
const MOST_ZEROS = 6; // in a decimal, before its exponent is written
const MOST_FRACTION = 1000; // digits of a second
const PRINTED = /^[ !#-[\]-~]$/;

/** The only value of binary Ion, over several lines. */
export function ionText(data) {
  return annotated(ionValue(data), "\n");
}

/** `line` is what begins a line: a line feed and what it is indented by. */
function annotated(value, line) {
  const names = value.annotations.map((each) => `${symbol(each)}::`);
  return names.join("") + bare(value, line);
}

function bare(value, line) {
  if (value.isNull) return value.type === Type.NULL ? "null" : `null.${NAMES[value.type]}`;
  return WRITERS[value.type](value, line);
}

const WRITERS = {
  [Type.BOOL]: ({ value }) => String(value),
  [Type.INT]: ({ body }) => String(magnitude(body)),
  [Type.NEGATIVE_INT]: ({ body }) => String(-magnitude(body)),
  [Type.FLOAT]: ({ body }) => float(floatOf(body)),
  [Type.DECIMAL]: ({ body }) => decimal(new Reader(body)),
  [Type.TIMESTAMP]: ({ body }) => timestamp(new Reader(body)),
  [Type.SYMBOL]: ({ value }) => symbol(value),
  [Type.STRING]: ({ body }) => JSON.stringify(utf8(body)),
  [Type.CLOB]: ({ body }) => `{{"${Array.from(body, clobbed).join("")}"}}`,
  [Type.BLOB]: ({ body }) => `{{${btoa(Array.from(body, character).join(""))}}}`,
  [Type.LIST]: ({ elements }, line) => within("[", elements.map(inside(line)), ",", "]", line),
  [Type.SEXP]: ({ elements }, line) => within("(", elements.map(inside(line)), "", ")", line),
  [Type.STRUCT]: ({ fields }, line) => within("{", fields.map(field(line)), ",", "}", line),
};

function inside(line) {
  return (each) => annotated(each, `${line}  `);
}

function field(line) {
  return ([name, value]) => `${symbol(name)}: ${annotated(value, `${line}  `)}`;
}

function within(opening, parts, separator, closing, line) {
  if (parts.length === 0) return opening + closing;
  return `${opening}${line}  ${parts.join(`${separator}${line}  `)}${line}${closing}`;
}

function character(octet) {
  return String.fromCharCode(octet);
}

function clobbed(octet) {
  const shown = character(octet);
  return PRINTED.test(shown) ? shown : `\\x${octet.toString(16).padStart(2, "0")}`;
}

function symbol(text) {
  if (text === null) return "$0";
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(text) && !KEYWORDS.has(text)) return text;
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

function magnitude(body) {
  return Array.from(body).reduce((sum, each) => sum * 256n + BigInt(each), 0n);
}

function float(number) {
  if (Number.isNaN(number)) return "nan";
  if (!Number.isFinite(number)) return number > 0 ? "+inf" : "-inf";
  const text = Object.is(number, -0) ? "-0" : String(number);
  return text.includes("e") ? text : `${text}e0`;
}

function decimal(reader) {
  if (reader.done) return "0.";
  const exponent = signed(reader.varInt());
  const [sign, digits] = coefficient(reader.rest());
  if (exponent > 0) return `${sign}${digits}d${exponent}`;
  const zeros = -exponent - digits.length + 1;
  if (zeros > MOST_ZEROS) return `${sign}${digits}d${exponent}`;
  const whole = digits.padStart(digits.length + Math.max(zeros, 0), "0");
  const point = whole.length + exponent;
  return `${sign}${whole.slice(0, point)}.${whole.slice(point)}`;
}

function signed([negative, number]) {
  return negative ? -number : number;
}

/** The sign and the digits of an Int, whose sign is in the first bit. */
function coefficient(body) {
  if (body.length === 0) return ["", "0"];
  const number = magnitude([body[0] & 0x7f, ...body.subarray(1)]);
  return [body[0] & 0x80 ? "-" : "", String(number)];
}

/** As it is encoded, in UTC, moved by the offset that it was written with. */
function timestamp(reader) {
  const [unknown, ahead] = reader.varInt();
  const offset = signed([unknown, ahead]);
  const parts = [];
  while (!reader.done && parts.length < 6) parts.push(reader.varUInt());
  const [year, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts;
  if (parts.length < 4) return dated([year, month, day].slice(0, parts.length));
  const local = new Date(0);
  local.setUTCFullYear(year, month - 1, day);
  local.setUTCHours(hour, minute + offset, second);
  if (parts.length === 4 || Number.isNaN(local.getTime())) throw new IonError("no time is so");
  const date = [local.getUTCFullYear(), local.getUTCMonth() + 1, local.getUTCDate()];
  const time = [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()];
  const shown = time.slice(0, parts.length - 3).map(two);
  return `${dated(date)}T${shown.join(":")}${fraction(reader)}${zone(unknown, ahead)}`;
}

function dated([year, month, day]) {
  const text = String(year).padStart(4, "0");
  if (month === undefined) return `${text}T`;
  return day === undefined ? `${text}-${two(month)}T` : `${text}-${two(month)}-${two(day)}`;
}

function two(number) {
  return String(number).padStart(2, "0");
}

function fraction(reader) {
  if (reader.done) return "";
  const exponent = signed(reader.varInt());
  const [, digits] = coefficient(reader.rest());
  if (exponent < -MOST_FRACTION) throw new IonError("a second has no such fraction");
  return exponent < 0 ? `.${digits.padStart(-exponent, "0")}` : "";
}

function zone(negative, minutes) {
  if (minutes === 0) return negative ? "-00:00" : "Z";
  const sign = negative ? "-" : "+";
  return `${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
