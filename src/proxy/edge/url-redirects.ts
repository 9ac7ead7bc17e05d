import { METHOD } from '../../http/index.ts';
import type { UrlRedirect } from '../../model/index.ts';
import { compilePattern } from '../../routing/index.ts';
import type { RequestFilter } from '../filters/filter.interface.ts';
import { PASS } from '../filters/filter.interface.ts';

/** Requests are sent to what patterns make of their URL, where that is another one (Traefik's pkg/middlewares/redirect). */
export function urlRedirects(redirects: readonly UrlRedirect[]): RequestFilter {
  const compiled = redirects.map(({ pattern, substitution, permanent }) => ({
    pattern: compilePattern(pattern),
    substitution,
    statuses: permanent ? ([301, 308] as const) : ([302, 307] as const),
  }));
  return {
    judge({ head, parts, secure, localFields }) {
      if (head.method === METHOD.CONNECT) return PASS;
      const { pathBytes, pathStart, pathEnd, hasQuery, queryStart, queryEnd, authorityStart, authorityEnd } =
        parts;
      const authority = head.bytes.toString('latin1', authorityStart, authorityEnd);
      const path = pathBytes.toString('latin1', pathStart, pathEnd);
      const query = hasQuery ? `?${head.bytes.toString('latin1', queryStart, queryEnd)}` : '';
      const url = `${secure ? 'https' : 'http'}://${authority}${path}${query}`;
      for (const { pattern, substitution, statuses } of compiled) {
        const to = pattern.replaceAll(url, substitution);
        if (to === url) continue;
        const status = statuses[head.method === METHOD.GET ? 0 : 1];
        const fields = [['location', fieldOf(to)] as const, ...localFields];
        return { reply: { status, contentType: '', body: '', fields, close: false }, flag: '', detail: '' };
      }
      return PASS;
    },
  };
}

/** Whatever the client has put into its URL, the field stays one line of what URLs are made of. */
function fieldOf(url: string): string {
  return url.replace(
    /[^\x21-\x7e]/g,
    each => `%${each.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
