// Events as JSON texts, since what is between the values and how numbers are
// written is part of what is tested.

const long = 'x'.repeat(70_000);
const keys = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`key ${i}`, i]));
const deep = Array.from({ length: 20 }).reduce((inner) => ({ inner: [inner] }), 'bottom');

const values = [
  // text
  '""', '"abc"', '"Grüße, 世界 – 🚀🇩🇪"', '"שלום مرحبا"', '"\\u00e9\\u4e16\\ud83d\\ude80"', '"a\\u001eb\\u0000c"',
  '"line\\nline\\r\\nline\\ttab \\"quoted\\" \\\\ \\/"', '"\\u2028\\u2029<script>&amp;"',
  JSON.stringify('x'.repeat(31)), JSON.stringify('ü'.repeat(16)), JSON.stringify('x'.repeat(256)), JSON.stringify(long),
  // numbers
  '0', '-0', '1', '-1', '-32', '-33', '127', '128', '-128', '-129', '255', '256', '-32768', '-32769', '65535', '65536',
  '2147483647', '2147483648', '-2147483648', '-2147483649', '4294967295', '4294967296',
  '9007199254740991', '-9007199254740991', '18446744073709551615', '-9223372036854775808',
  '100000000000000000000', '0.1', '-1.5', '1.0', '1E3', '25e-1', '1.7976931348623157e308', '5e-324',
  // the others, and what holds them
  'null', 'true', 'false', '[]', '{}', '[[],{},[null]]', '{"":""}', JSON.stringify(keys), JSON.stringify(deep),
  JSON.stringify(Array.from({ length: 100 }, (_, i) => i)),
  '{"nested":{"list":[1,"two",{"three":3.5}],"null":null},"ключ":"значение"}',
  '{\r\n  "pretty" : [\n    1 ,\n\n    2\r\n  ] ,\n  "type" : 7\n}',
];

/** As many events as wanted; every other one is published with arguments of its own. */
export function samples(n) {
  return Array.from({ length: n }, (_, i) => {
    const value = values[i % values.length];
    const other = values[(i * 7 + 3) % values.length];
    switch (i % 4) {
      case 1:
        return `{"type":"sample","arguments":[${value}, ${i}, ${other}]}`;
      case 3:
        return i % 8 === 3 ? '{"type":"sample","arguments":[]}' : `{"type":"sample","arguments":[ [${value}]\n]}`;
      default:
        return `{"type":"sample","data":${value}}`;
    }
  });
}

export const sampleCount = values.length;

/** The arguments that a handler is called with for an event. */
export function argumentsOf(text) {
  const event = JSON.parse(text);
  return event.arguments ?? [event.data ?? null];
}

/** n small events. */
export function numbers(n, from = 0) {
  return Array.from({ length: n }, (_, i) => ({ type: 'sample', data: { n: from + i } }));
}

export function numbersOf(calls) {
  return calls.map(([data]) => data.n);
}

export function range(n, from = 0) {
  return Array.from({ length: n }, (_, i) => from + i);
}
