import type { LocalReply } from '../../http/index.ts';
import type { Instead } from './filter.interface.ts';

/** The answer to a request whose body is longer than its route takes (RFC 9110 section 15.5.14). */
export function bodyTooLong(maxBytes: number): Instead {
  const detail = `its body is longer than the ${maxBytes} bytes that its route takes`;
  const reply: LocalReply = {
    status: 413,
    contentType: 'text/plain; charset=utf-8',
    body: `weft: ${detail}\n`,
    fields: [],
    close: false,
  };
  return { reply, flag: '', detail };
}
