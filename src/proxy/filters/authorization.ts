import type { Authorizer, Denial } from '../../authorization/index.ts';
import { localReply } from '../replies/local-replies.ts';
import { type FilteredRequest, type FilterKind, type Instead, PASS } from './filter.interface.ts';

/** What Istio's proxies say; the policy is for who may ask for it (weft explain), unless its author wants it told. */
const DENIED = 'RBAC: access denied';

/** Who may not call is refused, in the policy's own words where it has any. */
export const authorization: FilterKind<{ readonly authorizer: Authorizer | undefined }> = {
  name: 'authorization',
  compile: ({ authorizer }) =>
    authorizer && {
      judge(request) {
        const denial = authorizer.judge(request);
        return denial === undefined ? PASS : refusal(denial, request);
      },
    },
};

/** The answer to who is denied. */
export function refusal({ code, words, policy }: Denial, { localFields: fields }: FilteredRequest): Instead {
  const { status = 403, body, names = false } = policy?.denial ?? {};
  const text = `${body ?? DENIED}${names ? `: ${words}` : ''}`;
  return {
    // Word for word: people look for it, and so do tests of theirs.
    reply: { ...localReply('UAEX', '', { status, fields }), body: text },
    flag: 'UAEX',
    detail: `${code}: ${words}`,
    ...(policy && { from: policy.from }),
  };
}
