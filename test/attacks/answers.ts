// Attacks by, or through, an upstream: answers that two readers could take for different ones. The word `smuggled` stands where
// a second reader might see an answer or a header of its own; it must not reach the client.
import type { AnswerAttack } from './attack.ts';

const smuggled = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled';
const splitting = 'Klein, HTTP Response Splitting (2004)';
const rfcLength = 'RFC 9112 section 6.3';
const ok = (lines: string, body: string): string => `HTTP/1.1 200 OK\r\n${lines}\r\n${body}`;

function refused(name: string, bytes: string, words: string, source: string): AnswerAttack {
  return { name, bytes, words, status: 502, source };
}

/** The answer is fine; what follows it must be dropped together with the connection. */
function followed(name: string, bytes: string, source: string, request?: string): AnswerAttack {
  const attack = { name, bytes, words: '', status: Number(bytes.slice(9, 12)), source };
  return request === undefined ? attack : { ...attack, request };
}

function broken(name: string, bytes: string, words: string, source: string): AnswerAttack {
  return { name, bytes, words, status: 0, source };
}

const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n';
const head = 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n';
const chunkedLine = 'Transfer-Encoding: chunked\r\n';

/** Every attack by answers. */
export const answerAttacks: readonly AnswerAttack[] = [
  refused(
    'two lengths',
    ok('Content-Length: 5\r\nContent-Length: 0\r\n', `12345${smuggled}`),
    'more than one Content-Length',
    rfcLength,
  ),
  refused(
    'two equal lengths',
    ok('Content-Length: 5\r\nContent-Length: 5\r\n', `12345${smuggled}`),
    'more than one Content-Length',
    rfcLength,
  ),
  refused(
    'a list of lengths',
    ok('Content-Length: 5, 5\r\n', `12345${smuggled}`),
    'not one decimal number',
    rfcLength,
  ),
  refused(
    'a signed length',
    ok('Content-Length: +5\r\n', `12345${smuggled}`),
    'not one decimal number',
    rfcLength,
  ),
  refused(
    'a length and an encoding',
    ok(`Content-Length: 5\r\n${chunkedLine}`, `0\r\n\r\n${smuggled}`),
    'both Content-Length and Transfer-Encoding',
    rfcLength,
  ),
  refused(
    'an encoding that is not chunked',
    ok('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${smuggled}`),
    'not exactly "chunked"',
    rfcLength,
  ),
  refused(
    'chunked and another',
    ok('Transfer-Encoding: gzip, chunked\r\n', `0\r\n\r\n${smuggled}`),
    'not exactly "chunked"',
    rfcLength,
  ),
  refused(
    'chunked in HTTP/1.0',
    `HTTP/1.0 200 OK\r\n${chunkedLine}\r\n0\r\n\r\n${smuggled}`,
    'not exactly "chunked"',
    'RFC 9112 section 6.1',
  ),
  refused('a folded header', ok('X: y\r\n smuggled\r\n', ''), 'obs-fold', 'RFC 9112 section 5.2'),
  refused('a bare LF', 'HTTP/1.1 200 OK\nX: smuggled\r\n\r\n', 'LF alone', 'RFC 9112 section 2.2'),
  refused('a bare LF in a header', ok('X: y\nSet-Cookie: smuggled\r\n', ''), 'LF alone', splitting),
  refused('a bare CR in a header', ok('X: y\rSet-Cookie: smuggled\r\n', ''), 'CR is not followed', splitting),
  refused('NUL in a header', ok('X: smuggled\0\r\n', ''), 'control character', 'RFC 9110 section 5.5'),
  refused(
    'a space inside a header name',
    ok('X Y: smuggled\r\n', ''),
    'space inside a header name',
    'RFC 9112 section 5.1',
  ),
  refused('an empty header name', ok(': smuggled\r\n', ''), 'header name is empty', 'CVE-2023-25725'),
  refused(
    'a split in the reason phrase',
    'HTTP/1.1 200 \nSet-Cookie: smuggled\r\n\r\n',
    'LF alone',
    splitting,
  ),
  refused('a CR in the reason phrase', 'HTTP/1.1 200 O\rsmuggled\r\n\r\n', 'CR is not followed', splitting),
  refused('a status of two digits', `HTTP/1.1 20 OK\r\n\r\n${smuggled}`, 'status line', 'RFC 9112 section 4'),
  refused(
    'a status of four digits',
    `HTTP/1.1 2000 OK\r\n\r\n${smuggled}`,
    'status line',
    'RFC 9112 section 4',
  ),
  refused('a status below 100', `HTTP/1.1 099 OK\r\n\r\n${smuggled}`, 'status line', 'RFC 9110 section 15'),
  refused('a signed status', `HTTP/1.1 +20 OK\r\n\r\n${smuggled}`, 'status line', 'RFC 9112 section 4'),
  refused(
    'a status without a space',
    `HTTP/1.1200 OK\r\n\r\n${smuggled}`,
    'status line',
    'RFC 9112 section 4',
  ),
  refused('HTTP/0.9', 'smuggled', 'start line', 'RFC 1945'),
  refused('HTTP/2.0', `HTTP/2.0 200 OK\r\n\r\n${smuggled}`, 'start line', 'RFC 9112 section 2.3'),
  refused('ICY', 'ICY 200 OK\r\n\r\nsmuggled', 'start line', 'SHOUTcast'),
  refused('an empty line before the answer', `\r\n${smuggled}`, 'start line', 'RFC 9112 section 2.2'),
  refused(
    'a switch that nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nsmuggled',
    'without having been asked',
    'RFC 9110 section 15.2.2',
  ),
  {
    ...refused(
      'a switch that does not say to what',
      'HTTP/1.1 101 Switching Protocols\r\n\r\nsmuggled',
      'saying to which',
      'RFC 9110 section 15.2.2',
    ),
    request: upgrade,
  },
  {
    ...refused(
      'a switch to h2c',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nsmuggled',
      'saying to which',
      'Bishop Fox, h2c smuggling (2020)',
    ),
    request: upgrade,
  },
  refused(
    'a flood of 1xx',
    'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(33) + smuggled,
    'more than 32 informational',
    'a limit of our own',
  ),
  refused(
    'headers without end',
    ok(`X: ${'y'.repeat(200_000)}\r\n`, 'smuggled'),
    'larger than the limit',
    'a limit of our own',
  ),
  refused(
    'too many headers',
    ok('X: y\r\n'.repeat(1001), 'smuggled'),
    'more headers than the limit',
    'a limit of our own',
  ),
  broken(
    'a chunk extension',
    ok(chunkedLine, `2;a=b\r\nok\r\n0\r\n\r\n${smuggled}`),
    'extension',
    'Weikop, Funky chunks (2025)',
  ),
  broken(
    'an extension with LF',
    ok(chunkedLine, `2;\nok\r\n0\r\n\r\n${smuggled}`),
    'extension',
    'Weikop, Funky chunks (2025)',
  ),
  followed(
    'blanks behind chunk sizes',
    ok(chunkedLine, `2  \r\nok\r\n0\t\r\n\r\n${smuggled}`),
    'ESPAsyncWebServer issue 1324',
  ),
  broken(
    'a blank and LF behind a chunk size',
    ok(chunkedLine, `2 \nok\r\n0\r\n\r\n${smuggled}`),
    'LF',
    'Weikop, Funky chunks (2025)',
  ),
  broken(
    'digits behind a blank',
    ok(chunkedLine, `2 0\r\nok\r\n0\r\n\r\n${smuggled}`),
    'chunk size',
    'pekko-http pull request 1257',
  ),
  broken(
    'a chunk size with a sign',
    ok(chunkedLine, `+2\r\nok\r\n0\r\n\r\n${smuggled}`),
    'chunk size',
    'RFC 9112 section 7.1',
  ),
  broken(
    'a chunk size that overflows',
    ok(chunkedLine, `10000000000000002\r\nok\r\n0\r\n\r\n${smuggled}`),
    'chunk size',
    'RFC 9112 section 7.1',
  ),
  broken(
    'a chunk longer than its size',
    ok(chunkedLine, '2\r\nok smuggled\r\n0\r\n\r\n'),
    'not followed by CRLF',
    'Weikop, Funky chunks (2025)',
  ),
  broken(
    'a trailer that frames',
    ok(chunkedLine, `0\r\nContent-Length: 8\r\n\r\nsmuggled`),
    'trailer names a header',
    'RFC 9110 section 6.5.1',
  ),
  broken(
    'a trailer with a bare LF',
    ok(chunkedLine, '0\r\nX: y\nSet-Cookie: smuggled\r\n\r\n'),
    'LF alone',
    splitting,
  ),
  followed(
    'a second answer behind the first',
    ok('Content-Length: 2\r\n', `ok${smuggled}`),
    'Kettle, Browser-Powered Desync Attacks (2022)',
  ),
  followed(
    'a second answer behind a chunked one',
    ok(chunkedLine, `2\r\nok\r\n0\r\n\r\n${smuggled}`),
    'Kettle, Browser-Powered Desync Attacks (2022)',
  ),
  followed(
    'a body of a 204',
    `HTTP/1.1 204 No Content\r\nContent-Length: 60\r\n\r\n${smuggled}`,
    'RFC 9112 section 6.3 item 1',
  ),
  followed(
    'a chunked body of a 204',
    `HTTP/1.1 204 No Content\r\n${chunkedLine}\r\n8\r\nsmuggled\r\n0\r\n\r\n`,
    'RFC 9112 section 6.3 item 1',
  ),
  followed(
    'a body of a 304',
    `HTTP/1.1 304 Not Modified\r\nContent-Length: 60\r\n\r\n${smuggled}`,
    'RFC 9112 section 6.3 item 1',
  ),
  followed(
    'a body of an answer to HEAD',
    ok('Content-Length: 60\r\n', smuggled),
    'RFC 9112 section 6.3 item 1',
    head,
  ),
  followed(
    'a chunked body of an answer to HEAD',
    ok(chunkedLine, `8\r\nsmuggled\r\n0\r\n\r\n`),
    'RFC 9112 section 6.3 item 1',
    head,
  ),
];
