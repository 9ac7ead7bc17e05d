// Requests that look like attacks and are let pass.
import { BISHOP_FOX } from './parts.ts';

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
