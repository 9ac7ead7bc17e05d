// Where a header line or a name ends, and which host is meant.
import type { Attack } from '../attack.ts';
import { HTTP_GARDEN, line, rfcField, smuggled } from './parts.ts';

const smuggledHeader = '\r\nX: smuggled\r\n\r\n';

export const headerLineAttacks: readonly Attack[] = [
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
];
