// Text as a table: separator, decimal mark and quotes, or one clear line of why it is none.

const SEPARATORS = [",", ";", "\t", "|"];

const BLANKS_AROUND = /^[^\S\ufeff]+|[^\S\ufeff]+$/g; // a byte order mark is no blank, as in Python

/** How zip and npz, parquet, and gzip begin, read as text. */
const BEGINNINGS = /^(PK\x03\x04|PAR1|\x1f\ufffd)/;

/** A text that cannot be read, with one line that says why. */
class Unreadable extends Error {}

function plural(n, word) {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}

/** A name as it is shown in a sentence. */
function quoted(name) {
  return `'${name.length > 60 ? `${name.slice(0, 60)}…` : name}'`;
}

/**
 * Rows of fields, the header first. A field that begins with a quote ends with one, and may hold
 * separators, lines and doubled quotes; other blanks around a field are no part of it; blank lines
 * are no rows.
 */
function* csvRows(text, separator) {
  let fields = [], at = 0, row = 0;
  const end = text.length;
  const isEnd = (c) => c === "\n" || c === "\r";
  while (at < end) {
    while (text[at] === " " && separator !== " ") at += 1;
    let field;
    if (text[at] === '"') {
      let closed = at;
      do {
        closed = text.indexOf('"', closed + 1);
        if (closed < 0) throw new Unreadable(`row ${row} opens a quote that is never closed`);
      } while (text[closed + 1] === '"' && (closed += 1));
      field = text.slice(at + 1, closed).replaceAll('""', '"');
      at = closed + 1;
      if (at < end && text[at] !== separator && !isEnd(text[at])) {
        throw new Unreadable(`row ${row} holds ${quoted(text[at])} after a quote is closed`);
      }
    } else {
      const start = at;
      while (at < end && text[at] !== separator && !isEnd(text[at])) at += 1;
      field = text.slice(start, at);
    }
    fields.push(field.replace(BLANKS_AROUND, ""));
    if (at < end && text[at] === separator) {
      at += 1;
      if (at < end && !isEnd(text[at])) continue;
      fields.push("");
    }
    if (fields.length > 1 || fields[0] !== "") {
      yield fields;
      row += 1;
    }
    fields = [];
    if (text[at] === "\r" && text[at + 1] === "\n") at += 1;
    at += 1;
  }
}

/** The separator with which the header names a column of labels, else that of most columns. */
function separatorOf(text, labelNames) {
  const headers = SEPARATORS.map((separator) => {
    try {
      return csvRows(text, separator).next().value ?? [];
    } catch (error) {
      if (error instanceof Unreadable) return [];
      throw error;
    }
  });
  for (const label of labelNames) {
    const named = headers.findIndex((names) => names.length > 1 && names.includes(label));
    if (named >= 0) return SEPARATORS[named];
  }
  const columns = headers.map((names) => names.length);
  return SEPARATORS[columns.indexOf(Math.max(...columns))];
}

/** Header and rows of a text, every row as long as the header. */
function readTable(text, labelNames) {
  const plain = text.startsWith("\ufeff") ? text.slice(1) : text;
  if (plain.includes("\0") || BEGINNINGS.test(plain)) {
    throw new Unreadable("this is no text: only CSV text is read here; learnprop check reads .npz, "
      + ".parquet and .csv.gz");
  }
  const separator = separatorOf(plain, labelNames);
  const [header, ...rows] = csvRows(plain, separator);
  if (header === undefined) throw new Unreadable("the file is empty");
  if (header.length === 1) {
    throw new Unreadable(
      `the file has one column, ${quoted(header[0])}: commas, semicolons, tabs or | separate columns`,
    );
  }
  rows.forEach((row, i) => {
    if (row.length !== header.length) {
      throw new Unreadable(
        `row ${i + 1} has ${plural(row.length, "field")}, but the header has ${header.length}`,
      );
    }
  });
  if (rows.length === 0) throw new Unreadable("the file has no rows");
  return { header, rows, separator };
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const WITH_COMMA = /^[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?$/;

/** The decimal mark of some columns: with another separator than the comma it may be one. */
function decimalOf({ rows, separator }, columns) {
  const withMark = (mark) => rows.some((row) => columns.some((j) => row[j].includes(mark)));
  if (separator === "," || !withMark(",")) return ".";
  if (withMark(".")) {
    throw new Unreadable("numbers have a comma here and a point there: write all with a point");
  }
  return ",";
}

/** Numbers of some columns, written with a decimal mark. */
function numbersOf({ header, rows }, columns, decimal) {
  return rows.map((row, i) => columns.map((j) => {
    const field = row[j];
    if (field === "") {
      throw new Unreadable(`row ${i + 1} has no number in column ${quoted(header[j])}`);
    }
    if (NUMBER.test(field)) return Number(field);
    if (decimal === "," && WITH_COMMA.test(field)) return Number(field.replace(",", "."));
    if (/^[+-]?(inf|infinity)$/i.test(field)) return field.startsWith("-") ? -Infinity : Infinity;
    throw new Unreadable(
      `row ${i + 1} holds ${quoted(field)} in column ${quoted(header[j])}, which is no number`,
    );
  }));
}
