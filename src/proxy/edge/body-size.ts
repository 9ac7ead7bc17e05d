import { UNKNOWN_LENGTH } from '../../http/index.ts';
import type { EdgePolicy } from '../../model/index.ts';
import { bodyTooLong } from '../filters/body-limit.ts';
import { PASS, type RequestFilter } from '../filters/filter.interface.ts';

/**
 * What is longer than the route takes is answered 413: at once where the request says how long it is, otherwise when too much of
 * it has come (client_max_body_size of nginx).
 */
export function bodySizeFilter({ body }: EdgePolicy): RequestFilter | undefined {
  if (body === undefined || body.maxBytes === 0) return undefined;
  const { maxBytes } = body;
  const tooLong = bodyTooLong(maxBytes);
  return {
    judge(request) {
      const { bodyLength } = request.head;
      if (bodyLength === 0) return PASS;
      if (bodyLength !== UNKNOWN_LENGTH) return bodyLength > maxBytes ? tooLong : PASS;
      return request.limitBody(maxBytes) ? PASS : tooLong;
    },
  };
}
