import type { Field } from '../http/index.ts';

/**
 * A request of the proxy's own as HTTP/1 writes it, up to its empty line: for `parseRequestHead`, which refuses what would say
 * more than it should. Each character of `target` and `fields` is a byte.
 */
export function requestBytes(method: string, target: string, fields: readonly Field[]): Buffer {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
}
