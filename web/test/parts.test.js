import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullJitter } from '../static/console/client/backoff.js';
import { Position, parseCursor } from '../static/console/client/cursor.js';
import { SSEParser } from '../static/console/client/sse-parser.js';

test('backoff stays within 0 and the bound, and the bound within the cap', () => {
  const options = { baseMs: 1000, capMs: 30_000 };
  for (const attempt of [0, 1, 4, 5, 50, 5000]) {
    const bound = Math.min(30_000, 1000 * 2 ** attempt);
    assert.equal(fullJitter(attempt, { ...options, random: () => 0 }), 0);
    const top = fullJitter(attempt, { ...options, random: () => 1 - Number.EPSILON });
    assert.ok(top < bound && top >= bound - 1, `attempt ${attempt}: ${top}`);
  }
});

test('backoff spreads a herd: no tenth of the first window holds more than 15 % of 10,000', () => {
  const buckets = new Array(10).fill(0);
  for (let i = 0; i < 10_000; i++) buckets[Math.floor(fullJitter(0, { baseMs: 1000, capMs: 30_000, random: Math.random }) / 100)]++;
  assert.ok(Math.max(...buckets) < 1500, String(buckets));
});

test('cursors are read whole or not at all', () => {
  assert.deepEqual(parseCursor('k7q2-57'), { epoch: 'k7q2', seq: 57n });
  assert.deepEqual(parseCursor('a-b-18446744073709551615'), { epoch: 'a-b', seq: 18446744073709551615n });
  for (const bad of ['', '57', '-57', 'k7q2-', 'k7q2-x', 'k-123456789012345678901', null, undefined, 57, {}]) {
    assert.equal(parseCursor(bad), null, String(bad));
  }
});

test('a position moves forward within an epoch and over into another', () => {
  const position = new Position();
  assert.equal(position.text, null);
  assert.equal(position.advance('a-5'), true);
  assert.equal(position.advance('a-5'), false);
  assert.equal(position.advance('a-4'), false);
  assert.equal(position.text, 'a-5');
  assert.equal(position.advance('b-1'), true);
  assert.equal(position.advance(undefined), true, 'an event without a cursor is never taken for an old one');
  assert.equal(position.text, 'b-1');
  position.forget();
  assert.equal(position.text, 'b-1');
  assert.equal(position.advance('b-1'), true);
});

const stream = '\ufeff:hello\r\nretry: 2000\n\nevent: hubline.ready\ndata: {"a":1}\n\nid: e-1\ndata: one\ndata:two\n\nid: e-2\r\n\r\ndata\n\n' +
  'id: x\0y\ndata: nul\r\rdata: ünïcode €\nfoo: bar\n\ndata: unfinished';
const parsed = [
  { event: 'hubline.ready', data: '{"a":1}', id: null },
  { event: 'message', data: 'one\ntwo', id: 'e-1' },
  { event: 'message', data: null, id: 'e-2' },
  { event: 'message', data: '', id: null },
  { event: 'message', data: 'nul', id: null },
  { event: 'message', data: 'ünïcode €', id: null },
];

test('the stream parser gives the same messages for any split of the text', () => {
  for (let size = 1; size <= stream.length; size++) {
    const got = [];
    const parser = new SSEParser((message) => got.push(message));
    for (let at = 0; at < stream.length; at += size) parser.push(stream.slice(at, at + size));
    assert.deepEqual(got, parsed, `pieces of ${size}`);
  }
});

test('the stream parser refuses to grow without end', () => {
  const parser = new SSEParser(() => {});
  const piece = 'x'.repeat(1 << 20);
  assert.throws(() => {
    for (let i = 0; i < 20; i++) parser.push(piece);
  }, RangeError);
  const lines = new SSEParser(() => {});
  assert.throws(() => {
    for (let i = 0; i < 20; i++) lines.push(`data: ${piece}\n`);
  }, RangeError);
});
