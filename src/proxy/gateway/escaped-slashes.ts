import type { Authorizer, JudgedRequest } from '../../authorization/index.ts';
import { RequestParts, withSlashes } from '../../routing/index.ts';
import { refusal } from '../filters/authorization.ts';
import type { ExternalRules } from '../filters/external-authorization.ts';
import { type FilterKind, PASS } from '../filters/filter.interface.ts';
import { localReply } from '../replies/local-replies.ts';

const WORDS =
  'the path holds %2F or %5C, and were they slashes an external authorizer would have to be asked; write slashes, or see escaped-slashes in docs/gateway.md';
const parts = new RequestParts();

/**
 * A request that policies let pass must pass, too, as servers see it that take `%2F` for a slash: see escapedSlashes of
 * ListenerOptions. Behind the filters that judge it as it stands.
 */
export const escapedSlashes: FilterKind<
  Pick<ExternalRules, 'external'> & { readonly authorizer: Authorizer | undefined }
> = {
  name: 'escaped-slashes',
  compile({ authorizer, external }) {
    if (authorizer === undefined && external.length === 0) return undefined;
    return {
      judge(request) {
        const head = withSlashes(request.head);
        if (head === undefined) return PASS;
        parts.read(head);
        const seen: JudgedRequest = { caller: request.caller, head, parts, token: request.token };
        const isMissed = external.some(
          ({ match }) => match(seen) !== undefined && match(request) === undefined,
        );
        if (isMissed)
          return {
            reply: localReply('DPE', WORDS, { fields: request.localFields }),
            flag: 'DPE',
            detail: WORDS,
          };
        parts.read(head);
        const denial = authorizer?.judge(seen);
        return denial === undefined ? PASS : refusal(denial, request);
      },
    };
  },
};
