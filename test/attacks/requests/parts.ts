// What attacks on the way in are put together from, and who found them.
import type { Attack } from '../attack.ts';

export const KETTLE_2019 = 'Kettle, HTTP Desync Attacks (PortSwigger 2019)';
export const KETTLE_2025 = 'Kettle, HTTP/1.1 must die (PortSwigger 2025)';
export const KLEIN_2020 = 'Klein, HTTP Request Smuggling in 2020 (Black Hat 2020)';
export const WEIKOP_2025 = 'Weikop, Funky chunks (2025)';
export const TRAILING_DANGER = 'sebsrt, Trailing Danger (2025)';
export const HTTP_GARDEN = 'Kallus and others, The HTTP Garden (2024)';
export const BISHOP_FOX = 'Bishop Fox, h2c smuggling (2020)';

export const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
export const hidden = `0\r\n\r\n${smuggled}`;

/** A POST with these header lines after Host, each without its CRLF. */
export function post(lines: readonly string[], body: string): string {
  return `POST /attack HTTP/1.1\r\nHost: a\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n${body}`;
}

export function length(name: string, values: readonly string[], fault: string, source: string): Attack {
  const bytes = post(
    values.map(value => `Content-Length:${value}`),
    `12345${smuggled}`,
  );
  return { name, bytes, fault, status: 400, source };
}

export function encoding(name: string, line: string, fault: string, status: number, source: string): Attack {
  return { name, bytes: post(['Content-Length: 5', line], hidden), fault, status, source };
}

export function alone(name: string, line: string, fault: string, status: number, source: string): Attack {
  return { name, bytes: post([line], hidden), fault, status, source };
}

/** A malformed chunk: the head is fine and goes on, the chunk does not. */
export function chunk(name: string, body: string, fault: string, source: string, status = 400): Attack {
  return { name, bytes: post(['Transfer-Encoding: chunked'], body), fault, status, source, inBody: true };
}

export function line(name: string, bytes: string, fault: string, source: string, status = 400): Attack {
  return { name, bytes, fault, status, source };
}

export const rfcLength = 'RFC 9112 section 6.3 item 5';
export const rfcBoth = 'RFC 9112 section 6.1';
export const rfcChunk = 'RFC 9112 section 7.1';
export const rfcField = 'RFC 9112 section 5';
