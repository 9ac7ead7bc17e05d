// Routes whose requests never go on: each answers whatever comes this far.
import type { LocalReply } from '../../http/index.ts';
import { formatRef, NO_ROUTE, type Route } from '../../model/index.ts';
import type { Redirect } from '../../routing/index.ts';
import { localReply } from '../replies/local-replies.ts';
import type { FilterKind } from './filter.interface.ts';

/** A route that this proxy cannot carry out says why. */
export const unusable: FilterKind<{ readonly unusable: string | undefined; readonly route: Route }> = {
  name: 'unusable',
  compile: ({ unusable: detail, route: { from } }) =>
    detail === undefined
      ? undefined
      : {
          judge: () => ({ reply: localReply('NFCF', detail), flag: 'NFCF', detail, ...(from && { from }) }),
        },
};

/** Policies have routes for the host, and none of them is for this request. */
export const noRoute: FilterKind<{ readonly route: Route }> = {
  name: 'no-route',
  compile: ({ route: { name, from } }) => {
    if (name !== NO_ROUTE) return undefined;
    const who = from === undefined ? '' : `; ${formatRef(from)} has no rule for it`;
    return {
      judge({ head }) {
        const detail = `${head.methodText} ${head.targetText}${who}`;
        return { reply: localReply('NR', detail), flag: 'NR', detail, ...(from && { from }) };
      },
    };
  },
};

/** The client is sent elsewhere. */
export const redirects: FilterKind<{ readonly redirect: Redirect | undefined }> = {
  name: 'redirect',
  compile: ({ redirect }) =>
    redirect && {
      judge: ({ parts, routeFields }) => ({
        reply: redirect.reply(parts, routeFields),
        flag: '',
        detail: '',
      }),
    },
};

/** The route is its own answer. */
export const directAnswers: FilterKind<{ readonly respond: LocalReply | undefined }> = {
  name: 'direct-answer',
  compile: ({ respond }) =>
    respond && {
      judge: ({ routeFields }) => ({ reply: { ...respond, fields: routeFields }, flag: '', detail: '' }),
    },
};
