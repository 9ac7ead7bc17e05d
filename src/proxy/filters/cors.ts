import { CORS, type Cors } from '../../routing/index.ts';
import type { FilterKind } from './filter.interface.ts';

/** Preflights are answered; of other requests it is noted whether the browser may show their answer. */
export const cors: FilterKind<{ readonly cors: Cors | undefined }> = {
  name: 'cors',
  compile: ({ cors }) =>
    cors && {
      judge(request) {
        request.cors = cors.judge(request.head);
        if (request.cors !== CORS.PREFLIGHT && request.cors !== CORS.REFUSED_PREFLIGHT) return undefined;
        return { reply: cors.reply(request.head, request.cors), flag: '', detail: '' };
      },
    },
};
