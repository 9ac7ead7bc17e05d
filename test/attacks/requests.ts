// Framing attacks on the way in. Every one holds the word `smuggled` where a second reader might take it for a request or a
// header of its own; nothing of it may reach the upstream.
import type { Attack } from './attack.ts';

const KETTLE_2019 = 'Kettle, HTTP Desync Attacks (PortSwigger 2019)';
const KETTLE_2025 = 'Kettle, HTTP/1.1 must die (PortSwigger 2025)';
const KLEIN_2020 = 'Klein, HTTP Request Smuggling in 2020 (Black Hat 2020)';
const WEIKOP_2025 = 'Weikop, Funky chunks (2025)';
const TRAILING_DANGER = 'sebsrt, Trailing Danger (2025)';
const HTTP_GARDEN = 'Kallus and others, The HTTP Garden (2024)';
const BISHOP_FOX = 'Bishop Fox, h2c smuggling (2020)';

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const hidden = `0\r\n\r\n${smuggled}`;

/** A POST with these header lines after Host, each without its CRLF. */
function post(lines: readonly string[], body: string): string {
  return `POST /attack HTTP/1.1\r\nHost: a\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n${body}`;
}

function length(name: string, values: readonly string[], fault: string, source: string): Attack {
  const bytes = post(
    values.map(value => `Content-Length:${value}`),
    `12345${smuggled}`,
  );
  return { name, bytes, fault, status: 400, source };
}

function encoding(name: string, line: string, fault: string, status: number, source: string): Attack {
  return { name, bytes: post(['Content-Length: 5', line], hidden), fault, status, source };
}

function alone(name: string, line: string, fault: string, status: number, source: string): Attack {
  return { name, bytes: post([line], hidden), fault, status, source };
}

/** A malformed chunk: the head is fine and goes on, the chunk does not. */
function chunk(name: string, body: string, fault: string, source: string, status = 400): Attack {
  return { name, bytes: post(['Transfer-Encoding: chunked'], body), fault, status, source, inBody: true };
}

function line(name: string, bytes: string, fault: string, source: string, status = 400): Attack {
  return { name, bytes, fault, status, source };
}

const rfcLength = 'RFC 9112 section 6.3 item 5';
const rfcBoth = 'RFC 9112 section 6.1';
const rfcChunk = 'RFC 9112 section 7.1';
const rfcField = 'RFC 9112 section 5';

const contentLength: readonly Attack[] = [
  length('two different lengths', [' 5', ' 0'], 'duplicate-content-length', rfcLength),
  length('two different lengths, the other way round', [' 0', ' 5'], 'duplicate-content-length', rfcLength),
  length('two equal lengths', [' 5', ' 5'], 'duplicate-content-length', rfcLength),
  length('a list of equal lengths', [' 5, 5'], 'bad-content-length', rfcLength),
  length('a list of different lengths', [' 5, 0'], 'bad-content-length', rfcLength),
  length('a length with a plus', [' +5'], 'bad-content-length', rfcLength),
  length('a length with a minus', [' -5'], 'bad-content-length', rfcLength),
  length('a negative zero', [' -0'], 'bad-content-length', HTTP_GARDEN),
  length('a hexadecimal length', [' 0x5'], 'bad-content-length', HTTP_GARDEN),
  length('a length with a space inside', [' 1 2'], 'bad-content-length', 'CVE-2018-7159'),
  length('a length with an underscore', [' 1_0'], 'bad-content-length', HTTP_GARDEN),
  length('a length with a fraction', [' 5.0'], 'bad-content-length', rfcLength),
  length('a length with an exponent', [' 5e0'], 'bad-content-length', rfcLength),
  length('a length with a letter behind', [' 5a'], 'bad-content-length', KETTLE_2019),
  length('a length in quotes', [' "5"'], 'bad-content-length', HTTP_GARDEN),
  length('an empty length', [''], 'bad-content-length', rfcLength),
  length('a length of 2^64 + 5', [' 18446744073709551621'], 'bad-content-length', 'RFC 9110 section 8.6'),
  length('a length of 2^63', [' 9223372036854775808'], 'bad-content-length', 'RFC 9110 section 8.6'),
  length(
    'a length of hundreds of digits',
    [` ${'9'.repeat(400)}`],
    'bad-content-length',
    'RFC 9110 section 8.6',
  ),
  length('a length with a semicolon', [' 5;0'], 'bad-content-length', KETTLE_2025),
  length('a length with a vertical tab', [' \x0b5'], 'bad-header-value', KLEIN_2020),
  length('a length with a form feed', [' \x0c5'], 'bad-header-value', KLEIN_2020),
  length('a length with a no-break space', ['\xa05'], 'bad-content-length', HTTP_GARDEN),
  length('a length in other digits', [' \xd9\xa5'], 'bad-content-length', HTTP_GARDEN),
  length('a length with NUL behind', [' 5\0'], 'bad-header-value', HTTP_GARDEN),
];

const both: readonly Attack[] = [
  encoding('CL.TE', 'Transfer-Encoding: chunked', 'length-and-encoding', 400, KETTLE_2019),
  {
    name: 'TE.CL',
    bytes: post(['Transfer-Encoding: chunked', 'Content-Length: 5'], hidden),
    fault: 'length-and-encoding',
    status: 400,
    source: KETTLE_2019,
  },
  {
    name: 'CL.0: a length of none beside an encoding',
    bytes: post(['Content-Length: 0', 'Transfer-Encoding: chunked'], hidden),
    fault: 'length-and-encoding',
    status: 400,
    source: 'Kettle, Browser-Powered Desync Attacks (PortSwigger 2022)',
  },
  encoding('xchunked', 'Transfer-Encoding: xchunked', 'bad-transfer-encoding', 501, KETTLE_2019),
  encoding('chunkedx', 'Transfer-Encoding: chunkedx', 'bad-transfer-encoding', 501, KETTLE_2019),
  encoding(
    'chunked, identity',
    'Transfer-Encoding: chunked, identity',
    'bad-transfer-encoding',
    501,
    KETTLE_2019,
  ),
  encoding(
    'identity, chunked',
    'Transfer-Encoding: identity, chunked',
    'bad-transfer-encoding',
    501,
    KETTLE_2019,
  ),
  encoding('identity', 'Transfer-Encoding: identity', 'bad-transfer-encoding', 501, KETTLE_2019),
  encoding('gzip, chunked', 'Transfer-Encoding: gzip, chunked', 'bad-transfer-encoding', 501, rfcBoth),
  encoding('chunked, chunked', 'Transfer-Encoding: chunked, chunked', 'bad-transfer-encoding', 501, rfcBoth),
  encoding('chunked with a comma', 'Transfer-Encoding: chunked,', 'bad-transfer-encoding', 501, KETTLE_2025),
  encoding('a comma and chunked', 'Transfer-Encoding: ,chunked', 'bad-transfer-encoding', 501, KETTLE_2025),
  encoding(
    'chunked with a parameter',
    'Transfer-Encoding: chunked;a=b',
    'bad-transfer-encoding',
    501,
    HTTP_GARDEN,
  ),
  encoding('quoted chunked', 'Transfer-Encoding: "chunked"', 'bad-transfer-encoding', 501, KETTLE_2019),
  encoding(
    'chunked in single quotes',
    "Transfer-Encoding: 'chunked'",
    'bad-transfer-encoding',
    501,
    KETTLE_2019,
  ),
  encoding('chunk', 'Transfer-Encoding: chunk', 'bad-transfer-encoding', 501, KETTLE_2019),
  encoding('an empty encoding', 'Transfer-Encoding:', 'bad-transfer-encoding', 501, HTTP_GARDEN),
  encoding(
    'a vertical tab before chunked',
    'Transfer-Encoding: \x0bchunked',
    'bad-header-value',
    400,
    'CVE-2019-18277',
  ),
  encoding(
    'a form feed before chunked',
    'Transfer-Encoding: \x0cchunked',
    'bad-header-value',
    400,
    'CVE-2019-18277',
  ),
  encoding('NUL before chunked', 'Transfer-Encoding: \0chunked', 'bad-header-value', 400, KETTLE_2019),
  encoding('NUL after chunked', 'Transfer-Encoding: chunked\0', 'bad-header-value', 400, HTTP_GARDEN),
  encoding('DEL after chunked', 'Transfer-Encoding: chunked\x7f', 'bad-header-value', 400, KETTLE_2019),
  encoding(
    'an eighth bit after chunked',
    'Transfer-Encoding: chunked\xff',
    'bad-transfer-encoding',
    501,
    KETTLE_2019,
  ),
  encoding('a tab before chunked', 'Transfer-Encoding:\tchunked', 'bad-transfer-encoding', 501, KETTLE_2019),
  encoding(
    'a tab after chunked',
    'Transfer-Encoding: chunked\t',
    'bad-transfer-encoding',
    501,
    'llhttp strict',
  ),
  encoding(
    'a space before the colon',
    'Transfer-Encoding : chunked',
    'space-before-colon',
    400,
    'CVE-2019-16869',
  ),
  encoding(
    'a tab before the colon',
    'Transfer-Encoding\t: chunked',
    'space-before-colon',
    400,
    'CVE-2019-16869',
  ),
  encoding('a line that begins with a space', ' Transfer-Encoding: chunked', 'obs-fold', 400, KETTLE_2019),
  encoding('a folded encoding', 'Transfer-Encoding:\r\n chunked', 'bad-transfer-encoding', 501, KETTLE_2019),
  encoding(
    'a folded encoding with a tab',
    'Transfer-Encoding: chunked\r\n\t, identity',
    'obs-fold',
    400,
    KETTLE_2019,
  ),
  encoding(
    'an encoding folded behind another header',
    'X: y\r\n Transfer-Encoding: chunked',
    'obs-fold',
    400,
    rfcField,
  ),
  encoding('an encoding behind a bare LF', 'X: y\nTransfer-Encoding: chunked', 'bare-lf', 400, KETTLE_2019),
  encoding('an encoding behind a bare CR', 'X: y\rTransfer-Encoding: chunked', 'bare-cr', 400, KETTLE_2019),
  encoding('a CR in the value', 'Transfer-Encoding: chu\rnked', 'bare-cr', 400, HTTP_GARDEN),
  encoding('an LF in the value', 'Transfer-Encoding: \nchunked', 'bare-lf', 400, HTTP_GARDEN),
  encoding(
    'two encodings',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'duplicate-transfer-encoding',
    501,
    KETTLE_2019,
  ),
  encoding(
    'two encodings, the other way round',
    'Transfer-Encoding: x\r\nTransfer-Encoding: chunked',
    'bad-transfer-encoding',
    501,
    KETTLE_2019,
  ),
  alone(
    'the same encoding twice',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'duplicate-transfer-encoding',
    501,
    KETTLE_2019,
  ),
  alone(
    'an encoding that is not last chunked',
    'Transfer-Encoding: chunked, gzip',
    'bad-transfer-encoding',
    501,
    rfcBoth,
  ),
  alone('an unknown encoding', 'Transfer-Encoding: deflate', 'bad-transfer-encoding', 501, rfcBoth),
  line(
    'chunked in HTTP/1.0',
    `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${hidden}`,
    'bad-transfer-encoding',
    rfcBoth,
    501,
  ),
  line(
    'chunked in HTTP/1.0 with keep-alive',
    `POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${hidden}`,
    'bad-transfer-encoding',
    rfcBoth,
    501,
  ),
];

const chunks: readonly Attack[] = [
  chunk('a chunk extension', `5;a=b\r\nhello\r\n${hidden}`, 'chunk-extension', rfcChunk),
  chunk(
    'TERM.EXT: LF ends an extension for one reader',
    `5;\nhello\r\n0\r\n\r\n${smuggled}`,
    'chunk-extension',
    `${WEIKOP_2025}, CVE-2025-55315`,
  ),
  chunk(
    'EXT.TERM: LF ends the chunk line for one reader',
    `2;\nxx\r\n2d\r\n0\r\n\r\n${smuggled}`,
    'chunk-extension',
    WEIKOP_2025,
  ),
  chunk(
    'ONE.TWO: one or two bytes end a chunk',
    `5\r\nhello\n0\r\n\r\n${smuggled}`,
    'bad-chunk-end',
    WEIKOP_2025,
  ),
  chunk(
    'TWO.ONE: two or one bytes end a chunk',
    `5\r\nhellox\r\n0\r\n\r\n${smuggled}`,
    'bad-chunk-end',
    WEIKOP_2025,
  ),
  chunk('ZERO.TWO: nothing ends a chunk', `5\r\nhello0\r\n\r\n${smuggled}`, 'bad-chunk-end', WEIKOP_2025),
  chunk(
    'SPILL: a chunk longer than its size',
    `5\r\nhello smuggled\r\n0\r\n\r\n${smuggled}`,
    'bad-chunk-end',
    WEIKOP_2025,
  ),
  chunk('an extension with CR', `5;a\rb\r\nhello\r\n${hidden}`, 'chunk-extension', 'CVE-2025-22871'),
  chunk('a quoted extension with a line end', `5;a="\r\nhello\r\n${hidden}`, 'chunk-extension', WEIKOP_2025),
  chunk(
    'an extension of the last chunk',
    `5\r\nhello\r\n0;smuggled\r\n\r\n${smuggled}`,
    'chunk-extension',
    rfcChunk,
  ),
  chunk('a space after the size', `5 \r\nhello\r\n${hidden}`, 'chunk-extension', HTTP_GARDEN),
  chunk('a tab after the size', `5\t\r\nhello\r\n${hidden}`, 'chunk-extension', HTTP_GARDEN),
  chunk('a space before the size', ` 5\r\nhello\r\n${hidden}`, 'bad-chunk-size', HTTP_GARDEN),
  chunk('a size with a plus', `+5\r\nhello\r\n${hidden}`, 'bad-chunk-size', HTTP_GARDEN),
  chunk('a size with a minus', `-5\r\nhello\r\n${hidden}`, 'bad-chunk-size', HTTP_GARDEN),
  chunk('a size with 0x', `0x5\r\nhello\r\n${hidden}`, 'bad-chunk-size', HTTP_GARDEN),
  chunk('a size with an underscore', `0_5\r\nhello\r\n${hidden}`, 'bad-chunk-size', HTTP_GARDEN),
  chunk('a size with a letter', `5g\r\nhello\r\n${hidden}`, 'bad-chunk-size', rfcChunk),
  chunk('a size with an eighth bit', `5\xb2\r\nhello\r\n${hidden}`, 'bad-chunk-size', HTTP_GARDEN),
  chunk('a size with NUL', `5\0\r\nhello\r\n${hidden}`, 'bad-chunk-size', HTTP_GARDEN),
  chunk('no size', `\r\nhello\r\n${hidden}`, 'bad-chunk-size', rfcChunk),
  chunk(
    'a size of 2^64 + 5',
    `10000000000000005\r\nhello\r\n${hidden}`,
    'bad-chunk-size',
    'RFC 9112 section 7.1',
  ),
  chunk('a size of all ones', `ffffffffffffffff\r\nhello\r\n${hidden}`, 'bad-chunk-size', 'CVE-2013-2028'),
  chunk('a size of many zeros', `${'0'.repeat(400)}5\r\nhello\r\n${hidden}`, 'bad-chunk-size', HTTP_GARDEN),
  chunk('LF alone after the size', `5\nhello\r\n${hidden}`, 'bare-lf', 'CVE-2025-22871'),
  chunk('CR alone after the size', `5\rhello\r\n${hidden}`, 'bare-cr', HTTP_GARDEN),
  chunk('two CR after the size', `5\r\r\nhello\r\n${hidden}`, 'bare-cr', HTTP_GARDEN),
  chunk('LF alone after the last size', `0\n\r\n${smuggled}`, 'bare-lf', HTTP_GARDEN),
  chunk('LF alone after the trailers', `0\r\n\n${smuggled}`, 'bare-lf', HTTP_GARDEN),
  chunk('CR alone after the trailers', `0\r\n\r${smuggled}`, 'bare-cr', HTTP_GARDEN),
  chunk(
    'a trailer that frames',
    `0\r\nContent-Length: 50\r\n\r\n${smuggled}`,
    'forbidden-trailer',
    'RFC 9110 section 6.5.1',
  ),
  chunk(
    'a trailer that encodes',
    `0\r\nTransfer-Encoding: chunked\r\n\r\n${hidden}`,
    'forbidden-trailer',
    'RFC 9110 section 6.5.1',
  ),
  chunk(
    'a trailer that routes',
    `0\r\nHost: smuggled\r\n\r\n${smuggled}`,
    'forbidden-trailer',
    TRAILING_DANGER,
  ),
  chunk(
    'a trailer that says who the client is',
    '0\r\nX-Forwarded-Client-Cert: smuggled\r\n\r\n',
    'forbidden-trailer',
    TRAILING_DANGER,
  ),
  chunk(
    'a trailer that authenticates',
    '0\r\nauthorization: smuggled\r\n\r\n',
    'forbidden-trailer',
    'RFC 9110 section 6.5.1',
  ),
  chunk('a folded trailer', '0\r\nX: y\r\n smuggled\r\n\r\n', 'obs-fold', rfcField),
  chunk(
    'a trailer with a space before the colon',
    '0\r\nX : smuggled\r\n\r\n',
    'space-before-colon',
    rfcField,
  ),
  chunk('a trailer without a colon', `0\r\n${smuggled}`, 'space-before-colon', HTTP_GARDEN),
  chunk('a trailer with a bare LF', '0\r\nX: y\nsmuggled: z\r\n\r\n', 'bare-lf', rfcField),
  chunk('a trailer with a bare CR', '0\r\nX: y\rsmuggled: z\r\n\r\n', 'bare-cr', rfcField),
  chunk('a trailer with NUL', '0\r\nX: smuggled\0\r\n\r\n', 'bad-header-value', rfcField),
  chunk(
    'trailers without end',
    `0\r\n${`X: ${'y'.repeat(1000)}\r\n`.repeat(70)}smuggled: 1\r\n\r\n`,
    'trailers-too-large',
    'a limit of our own',
    431,
  ),
];

const smuggledHeader = '\r\nX: smuggled\r\n\r\n';

const lines: readonly Attack[] = [
  line(
    'a folded header',
    'GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n smuggled\r\n\r\n',
    'obs-fold',
    'RFC 9112 section 5.2',
  ),
  line(
    'a folded Host',
    `GET / HTTP/1.1\r\nHost: a\r\n\t.smuggled${smuggledHeader}`,
    'obs-fold',
    'RFC 9112 section 5.2',
  ),
  line(
    'a first header that begins with a space',
    'GET / HTTP/1.1\r\n Host: smuggled\r\nHost: a\r\n\r\n',
    'obs-fold',
    'RFC 9112 section 2.2',
  ),
  line('LF alone everywhere', 'GET /smuggled HTTP/1.1\nHost: a\n\n', 'bare-lf', 'RFC 9112 section 2.2'),
  line(
    'LF alone after the request line',
    `GET / HTTP/1.1\nHost: a${smuggledHeader}`,
    'bare-lf',
    'RFC 9112 section 2.2',
  ),
  line(
    'LF alone after a header',
    `GET / HTTP/1.1\r\nHost: a\nX: smuggled\r\n\r\n`,
    'bare-lf',
    'RFC 9112 section 2.2',
  ),
  line(
    'LF alone as the empty line',
    `GET / HTTP/1.1\r\nHost: a\r\n\n${smuggled}`,
    'bare-lf',
    'RFC 9112 section 2.2',
  ),
  line(
    'CR alone in a header',
    'GET / HTTP/1.1\r\nHost: a\r\nX: y\rsmuggled: z\r\n\r\n',
    'bare-cr',
    'RFC 9112 section 2.2',
  ),
  line(
    'CR alone as the empty line',
    `GET / HTTP/1.1\r\nHost: a\r\n\r${smuggled}`,
    'bare-cr',
    'CVE-2023-30589',
  ),
  line('two CR before LF', `GET / HTTP/1.1\r\r\nHost: a${smuggledHeader}`, 'bare-cr', HTTP_GARDEN),
  line(
    'NUL in a header name',
    'GET / HTTP/1.1\r\nHost: a\r\nX\0Y: smuggled\r\n\r\n',
    'bad-header-name',
    rfcField,
  ),
  line(
    'NUL in a header value',
    'GET / HTTP/1.1\r\nHost: a\r\nX: \0smuggled\r\n\r\n',
    'bad-header-value',
    rfcField,
  ),
  line(
    'an escape in a header value',
    'GET / HTTP/1.1\r\nHost: a\r\nX: \x1bsmuggled\r\n\r\n',
    'bad-header-value',
    rfcField,
  ),
  line(
    'a space before the colon',
    'GET / HTTP/1.1\r\nHost: a\r\nX : smuggled\r\n\r\n',
    'space-before-colon',
    'RFC 9112 section 5.1',
  ),
  line(
    'an empty header name',
    'GET / HTTP/1.1\r\nHost: a\r\n: smuggled\r\n\r\n',
    'bad-header-name',
    'CVE-2023-25725',
  ),
  line('a header without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nsmuggled\r\n\r\n', 'no-colon', rfcField),
  line(
    'a request line among the headers',
    `GET / HTTP/1.1\r\nHost: a\r\n${smuggled}`,
    'space-in-name',
    HTTP_GARDEN,
  ),
  line(
    'an eighth bit in a header name',
    'GET / HTTP/1.1\r\nHost: a\r\nX\xe9: smuggled\r\n\r\n',
    'bad-header-name',
    rfcField,
  ),
  line(
    'a bracket in a header name',
    'GET / HTTP/1.1\r\nHost: a\r\nX[: smuggled\r\n\r\n',
    'bad-header-name',
    rfcField,
  ),
  line('HTTP/0.9', 'GET /smuggled\r\n', 'bad-version', 'Kettle, HTTP Desync Attacks (PortSwigger 2019)'),
  line(
    'HTTP/0.9 by name',
    `GET /smuggled HTTP/0.9\r\nHost: a\r\n\r\n`,
    'bad-version',
    'Apache HTTP Server 2.4.25, HttpProtocolOptions',
  ),
  line('HTTP/1.10', `GET / HTTP/1.10\r\nHost: a${smuggledHeader}`, 'bad-version', 'RFC 9112 section 2.3'),
  line('HTTP/2.0', `GET / HTTP/2.0\r\nHost: a${smuggledHeader}`, 'bad-version', 'RFC 9112 section 2.3'),
  line('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'bad-version', 'RFC 9113 section 3.4'),
  line(
    'http in lowercase',
    `GET / http/1.1\r\nHost: a${smuggledHeader}`,
    'bad-version',
    'RFC 9112 section 2.3',
  ),
  line('a space in the version', `GET / HTTP/ 1.1\r\nHost: a${smuggledHeader}`, 'bad-version', HTTP_GARDEN),
  line(
    'a space after the version',
    `GET / HTTP/1.1 \r\nHost: a${smuggledHeader}`,
    'bad-version',
    'RFC 9112 section 3',
  ),
  line(
    'a word after the version',
    `GET / HTTP/1.1 smuggled\r\nHost: a\r\n\r\n`,
    'bad-version',
    'RFC 9112 section 3',
  ),
  line(
    'a tab in the request line',
    `GET\t/smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-method',
    'RFC 9112 section 3',
  ),
  line(
    'a tab before the version',
    `GET /smuggled\tHTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'RFC 9112 section 3',
  ),
  line(
    'two spaces in the request line',
    `GET  /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'RFC 9112 section 3',
  ),
  line(
    'two spaces before the version',
    `GET /smuggled  HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-version',
    'RFC 9112 section 3',
  ),
  line(
    'a space in the target',
    `GET /smuggled x HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-version',
    'RFC 9112 section 3.2',
  ),
  line(
    'a space before the method',
    ` GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-method',
    'RFC 9112 section 2.2',
  ),
  line(
    'a tab before the method',
    `\tGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-method',
    'RFC 9112 section 2.2',
  ),
  line(
    'an LF before the method',
    `\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-method',
    'RFC 9112 section 2.2',
  ),
  line(
    'two empty lines before the method',
    `\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-method',
    'RFC 9112 section 2.2',
  ),
  line(
    'many empty lines before the method',
    `${'\r\n'.repeat(500)}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-method',
    'RFC 9112 section 2.2',
  ),
  line(
    'a CR before the method',
    `\rGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bare-cr',
    'RFC 9112 section 2.2',
  ),
  line(
    'a method that is no token',
    `G@T /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-method',
    'RFC 9110 section 9.1',
  ),
  line(
    'a method in brackets',
    `{GET} /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-method',
    'RFC 9110 section 9.1',
  ),
  line(
    'a method without end',
    `${'G'.repeat(65)} /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'method-too-long',
    'RFC 9112 section 3',
    501,
  ),
  line(
    'NUL in the target',
    `GET /\0smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'RFC 9112 section 3.2',
  ),
  line(
    'CR in the target',
    `GET /\rsmuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-version',
    'RFC 9112 section 3.2',
  ),
  line('LF in the target', `GET /\nsmuggled HTTP/1.1\r\nHost: a\r\n\r\n`, 'bare-lf', 'RFC 9112 section 3.2'),
  line(
    'DEL in the target',
    `GET /\x7fsmuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'RFC 9112 section 3.2',
  ),
  line(
    'an eighth bit in the target',
    `GET /\xffsmuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'RFC 9112 section 3.2',
  ),
  line(
    'a fragment in a URL without a path',
    `GET http://a#smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'CVE-2021-32779',
  ),
  line(
    'a fragment in the target of CONNECT',
    `CONNECT a:80#smuggled HTTP/1.1\r\nHost: a:80\r\n\r\n`,
    'bad-target',
    'CVE-2021-32779',
  ),
  line(
    'a vertical tab in the target',
    `GET /\x0bsmuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    HTTP_GARDEN,
  ),
  line(
    'a target that is a word',
    `GET smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'RFC 9112 section 3.2',
  ),
  line(
    'a target that begins with @',
    `GET @smuggled/ HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'Kettle, Cracking the Lens (PortSwigger 2017)',
  ),
  line(
    'an asterisk for GET',
    `GET * HTTP/1.1\r\nHost: a${smuggledHeader}`,
    'bad-target',
    'RFC 9112 section 3.2.4',
  ),
  line(
    'an asterisk and more',
    `OPTIONS */smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'RFC 9112 section 3.2.4',
  ),
  line(
    'a URL with another host than Host',
    `GET http://smuggled/ HTTP/1.1\r\nHost: a\r\n\r\n`,
    'host-mismatch',
    'RFC 9112 section 3.2.2; Kettle, Cracking the Lens (2017)',
  ),
  line(
    'a URL with user information',
    `GET http://a@smuggled/ HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'RFC 9110 section 4.2.4',
  ),
  line(
    'a URL without a host',
    `GET http:///smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'RFC 9110 section 4.2.1',
  ),
  line(
    'a URL with one slash',
    `GET http:/smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'RFC 3986 section 3',
  ),
  line(
    'CONNECT to a path',
    `CONNECT /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'RFC 9112 section 3.2.3',
  ),
  line(
    'CONNECT without a port',
    `CONNECT smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'bad-target',
    'RFC 9112 section 3.2.3',
  ),
  line(
    'CONNECT with a length',
    `CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${smuggled}`,
    'connect-with-body',
    'RFC 9110 section 9.3.6',
  ),
  line(
    'CONNECT with an encoding',
    `CONNECT a:1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${hidden}`,
    'connect-with-body',
    'RFC 9110 section 9.3.6',
  ),
  line('no Host', 'GET /smuggled HTTP/1.1\r\n\r\n', 'no-host', 'RFC 9112 section 3.2'),
  line(
    'two different Hosts',
    'GET / HTTP/1.1\r\nHost: a\r\nHost: smuggled\r\n\r\n',
    'duplicate-host',
    'RFC 9112 section 3.2',
  ),
  line(
    'two equal Hosts',
    `GET / HTTP/1.1\r\nHost: a\r\nhost: a${smuggledHeader}`,
    'duplicate-host',
    'RFC 9112 section 3.2',
  ),
  line(
    'a Host with a space',
    'GET / HTTP/1.1\r\nHost: a smuggled\r\n\r\n',
    'bad-host',
    'RFC 9112 section 3.2',
  ),
  line(
    'a Host with user information',
    'GET / HTTP/1.1\r\nHost: a@smuggled\r\n\r\n',
    'bad-host',
    'Kettle, Practical HTTP Host header attacks (2013)',
  ),
  line(
    'a Host with a path',
    'GET / HTTP/1.1\r\nHost: a/smuggled\r\n\r\n',
    'bad-host',
    'RFC 9112 section 3.2',
  ),
  line(
    'a Host with a query',
    'GET / HTTP/1.1\r\nHost: a?smuggled\r\n\r\n',
    'bad-host',
    'RFC 9112 section 3.2',
  ),
  line(
    'a Host with a fragment',
    'GET / HTTP/1.1\r\nHost: a#smuggled\r\n\r\n',
    'bad-host',
    'RFC 9112 section 3.2',
  ),
  line(
    'a Host with a backslash',
    'GET / HTTP/1.1\r\nHost: a\\smuggled\r\n\r\n',
    'bad-host',
    'RFC 9112 section 3.2',
  ),
  line(
    'a Host with a port that is no number',
    'GET / HTTP/1.1\r\nHost: a:smuggled\r\n\r\n',
    'bad-host',
    'Kettle, Practical HTTP Host header attacks (2013)',
  ),
  line(
    'a Host with two ports',
    `GET / HTTP/1.1\r\nHost: a:80:81${smuggledHeader}`,
    'bad-host',
    'RFC 9112 section 3.2',
  ),
  line(
    'a Host with a bracket',
    'GET / HTTP/1.1\r\nHost: [smuggled\r\n\r\n',
    'bad-host',
    'RFC 3986 section 3.2.2',
  ),
  line(
    'a Host with quotes',
    'GET / HTTP/1.1\r\nHost: "smuggled"\r\n\r\n',
    'bad-host',
    'RFC 9112 section 3.2',
  ),
  line(
    'a Host with an eighth bit',
    'GET / HTTP/1.1\r\nHost: smuggled\xe9\r\n\r\n',
    'bad-host',
    'RFC 9112 section 3.2',
  ),
  line(
    'two Hosts as a list',
    `GET / HTTP/1.1\r\nHost: a,:smuggled\r\n\r\n`,
    'bad-host',
    'RFC 9112 section 3.2',
  ),
  line(
    'bytes of TLS',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03smuggled',
    'bad-method',
    'RFC 8446 section 5.1',
  ),
];

/** Every attack on requests. */
export const requestAttacks: readonly Attack[] = [...contentLength, ...both, ...chunks, ...lines];

/** Requests that look like attacks and are not, or are made harmless: they pass, and this is what the upstream gets. */
export const harmlessRequests: readonly { name: string; bytes: string; upstream: string; source: string }[] =
  [
    {
      name: 'an upgrade to h2c is taken out, and the request goes on as the HTTP/1.1 request that it is',
      bytes:
        'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n',
      upstream: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      source: BISHOP_FOX,
    },
    {
      name: 'h2c in a list of protocols',
      bytes: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket, H2C\r\n\r\n',
      upstream: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      source: BISHOP_FOX,
    },
    {
      name: 'h2c in an Upgrade of its own',
      bytes: 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
      upstream: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      source: BISHOP_FOX,
    },
    {
      name: 'an Upgrade that Connection does not name',
      bytes: 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n',
      upstream: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      source: BISHOP_FOX,
    },
    {
      name: 'Connection names headers that frame, route or authenticate, and they stay',
      bytes:
        'GET / HTTP/1.1\r\nHost: a\r\nConnection: host, authorization, cookie, x-forwarded-for, X-Mine\r\n' +
        'Authorization: b\r\nCookie: c\r\nX-Forwarded-For: d\r\nX-Mine: e\r\n\r\n',
      upstream: 'GET / HTTP/1.1\r\nHost: a\r\nAuthorization: b\r\nCookie: c\r\nX-Forwarded-For: d\r\n\r\n',
      source: 'Davison, Abusing HTTP hop-by-hop request headers (2019)',
    },
    {
      name: 'nominations that were followed are not passed on with an upgrade',
      bytes:
        'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, x-forwarded-for, x-mine\r\nUpgrade: chat\r\nX-Forwarded-For: d\r\nX-Mine: e\r\n\r\n',
      upstream:
        'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: chat\r\nX-Forwarded-For: d\r\nconnection: upgrade\r\n\r\n',
      source: 'Davison, Abusing HTTP hop-by-hop request headers (2019)',
    },
    {
      name: 'a fragment in the target is not passed on, whatever it holds',
      bytes: 'GET /public?x#/../smuggled?y#z HTTP/1.1\r\nHost: a\r\n\r\n',
      upstream: 'GET /public?x HTTP/1.1\r\nHost: a\r\n\r\n',
      source: 'CVE-2021-32779',
    },
    {
      name: 'UTF-8 and other bytes that are no ASCII in the target pass as they are',
      bytes: 'GET /caf\xc3\xa9\xe9?\xa0\x85 HTTP/1.1\r\nHost: a\r\n\r\n',
      upstream: 'GET /caf\xc3\xa9\xe9?\xa0\x85 HTTP/1.1\r\nHost: a\r\n\r\n',
      source: 'envoyproxy/envoy 4854',
    },
    {
      name: 'a higher minor version goes on as the HTTP/1.1 that it also is',
      bytes: 'GET / HTTP/1.2\r\nHost: a\r\n\r\n',
      upstream: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      source: 'RFC 9110 section 2.5',
    },
    {
      name: 'of a list in TE only trailers goes on',
      bytes: 'GET / HTTP/1.1\r\nHost: a\r\nTE: trailers, deflate;q=0.5\r\nTE: trailers\r\n\r\n',
      upstream: 'GET / HTTP/1.1\r\nHost: a\r\nte: trailers\r\n\r\n',
      source: 'RFC 9110 section 10.1.4',
    },
    {
      name: 'a URL and a Host that differ by the default port only',
      bytes: 'GET http://a:80/x HTTP/1.1\r\nHost: A\r\n\r\n',
      upstream: 'GET http://a:80/x HTTP/1.1\r\nHost: A\r\n\r\n',
      source: 'RFC 9110 section 4.2.3',
    },
    {
      name: 'TE other than trailers is not passed on',
      bytes: 'GET / HTTP/1.1\r\nHost: a\r\nTE: gzip\r\nTE: trailers\r\nTE: trailers, deflate;q=0.5\r\n\r\n',
      upstream: 'GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n',
      source: 'RFC 9110 section 10.1.4',
    },
    {
      name: 'a second client certificate header is not passed on',
      bytes:
        'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Client-Cert: a\r\nx-forwarded-client-cert: smuggled\r\n\r\n',
      upstream: 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Client-Cert: a\r\n\r\n',
      source: 'Envoy, x-forwarded-client-cert',
    },
    {
      name: 'Chunked in another case is chunked',
      bytes: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:   ChUnKeD  \r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      upstream: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:   ChUnKeD  \r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      source: 'RFC 9112 section 7',
    },
    {
      name: 'one empty line before a request is not passed on',
      bytes: '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
      upstream: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      source: 'RFC 9112 section 2.2',
    },
    {
      name: 'an HTTP/1.0 request without Host goes on with an empty one',
      bytes: 'GET / HTTP/1.0\r\n\r\n',
      upstream: 'GET / HTTP/1.1\r\nhost: \r\n\r\n',
      source: 'RFC 9112 section 3.2',
    },
  ];
