import { LIMIT, type RateLimit } from '../../routing/index.ts';
import { localReply, saying } from '../replies/local-replies.ts';
import type { FilteredRequest, FilterKind, Instead } from './filter.interface.ts';

/** Requests beyond what the buckets hold are answered 429. */
export const rateLimits: FilterKind<{ readonly limits: readonly RateLimit[] }> = {
  name: 'rate-limits',
  compile: ({ limits }) =>
    limits.length === 0
      ? undefined
      : {
          judge(request) {
            const { parts, nowMs } = request;
            for (let i = 0; i < limits.length; i++)
              if (limits[i]!.judge(parts, nowMs) === LIMIT.REFUSE) return refusal(limits[i]!, request);
            return undefined;
          },
        },
};

function refusal(limit: RateLimit, request: FilteredRequest): Instead {
  const { bucket, status, from, message } = limit.limit;
  const who = from === undefined ? '' : ` (${from.kind} ${from.name}.${from.namespace})`;
  const detail = `${bucket.perFill} per ${bucket.fillIntervalMs} ms${who}`;
  const fields = [...limit.fields(request, request.nowMs), ...request.localFields];
  const reply = saying(localReply('RL', detail, { status, fields }), message);
  return { reply, flag: 'RL', detail, ...(from && { from }) };
}
