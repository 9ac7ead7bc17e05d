import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestHead, sentLines } from '../http1/testing/heads.ts';
import { eachToken, equalsIgnoreCase, isBodiless, isIdempotent, METHOD, methodOf } from './index.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

test('a retained head is the same head, edits included, and can be retained again', () => {
  const head = requestHead('GET /t HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B: 2\r\n\r\n');
  head.remove(1);
  head.add(bytes('x-c'), bytes('3'));
  const received = head.bytes;
  head.retain();
  received.fill(0);
  head.retain();
  assert.deepEqual(sentLines(head), ['Host: a', 'X-B: 2', 'x-c: 3']);
  assert.equal(head.methodText, 'GET');
  assert.equal(head.targetText, '/t');
  assert.equal(head.isRemoved(1), true);
  head.restore(1);
  assert.deepEqual(sentLines(head), ['Host: a', 'X-A: 1', 'X-B: 2', 'x-c: 3']);
});

test('find sees what is not removed, from where it is told', () => {
  const head = requestHead('GET / HTTP/1.1\r\nHost: a\r\nx: 1\r\nX: 2\r\n\r\n');
  assert.equal(head.find(bytes('x')), 1);
  assert.equal(head.find(bytes('x'), 2), 2);
  head.remove(1);
  assert.equal(head.find(bytes('x')), 2);
  assert.equal(head.find(bytes('y')), -1);
  assert.equal(head.text(-1), '');
});

test('every spelling that servers may take for a name goes out, and nothing else', () => {
  const names = ['x-user', 'X_USER', 'x.User', 'xyuser', 'x-users', 'x0user', 'x-user'];
  const head = requestHead(
    `GET / HTTP/1.1\r\nHost: a\r\n${names.map(name => `${name}: a\r\n`).join('')}\r\n`,
  );
  head.add(bytes('X-User'), bytes('b'));
  head.removeSpellings(bytes('x-user'));
  assert.deepEqual(sentLines(head), ['Host: a', 'xyuser: a', 'x-users: a', 'x0user: a']);
});

test('the values of a name are those that will be sent, received or added, until one is enough', () => {
  const head = requestHead('GET / HTTP/1.1\r\nHost: a\r\nx: 1\r\nX: 2\r\nx: 3\r\n\r\n');
  head.remove(1);
  head.add(bytes('X'), bytes('4'));
  const seen: string[] = [];
  const visit = (until: string) => (at: Buffer, start: number, end: number) => {
    seen.push(at.toString('latin1', start, end));
    return seen.at(-1) !== until;
  };
  assert.equal(head.eachValue(bytes('x'), visit('')), true);
  assert.equal(head.eachValue(bytes('x'), visit('3')), false);
  assert.deepEqual(seen, ['2', '3', '4', '2', '3']);
});

test('a released head holds no bytes', () => {
  const head = requestHead('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  head.retain();
  head.release();
  assert.equal(head.bytes.length, 0);
  assert.equal(head.count, 0);
});

test('comparisons ignore the case of letters and of nothing else', () => {
  assert.ok(equalsIgnoreCase(bytes('xHoSty'), 1, 5, bytes('host')));
  assert.ok(!equalsIgnoreCase(bytes('[ost'), 0, 4, bytes('{ost')));
  assert.ok(!equalsIgnoreCase(bytes('hos'), 0, 3, bytes('host')));
});

test('lists give their elements, trimmed, without the empty ones', () => {
  const tokens = (text: string): string[] => {
    const out: string[] = [];
    eachToken(bytes(text), 0, text.length, (start, end) => out.push(text.slice(start, end)) > 0);
    return out;
  };
  assert.deepEqual(tokens('a, b ,\t,c\t d,,'), ['a', 'b', 'c\t d']);
  assert.deepEqual(tokens(''), []);
  assert.deepEqual(tokens(' , '), []);
});

test('methods and statuses', () => {
  for (const [name, id] of Object.entries(METHOD)) {
    if (id !== METHOD.OTHER) assert.equal(methodOf(bytes(`.${name}.`), 1, 1 + name.length), id);
  }
  assert.equal(methodOf(bytes('GETS'), 0, 4), METHOD.OTHER);
  assert.deepEqual([METHOD.GET, METHOD.PUT, METHOD.POST, METHOD.PATCH, METHOD.OTHER].map(isIdempotent), [
    true,
    true,
    false,
    false,
    false,
  ]);
  assert.deepEqual(
    [100, 199, 204, 304, 200, 205].map(status => isBodiless(status, false)),
    [true, true, true, true, false, false],
  );
  assert.equal(isBodiless(200, true), true);
});
