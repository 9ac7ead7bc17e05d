import { METHOD } from '../../http/index.ts';
import type { EdgePolicy, Hsts } from '../../model/index.ts';
import { Redirect } from '../../routing/index.ts';
import { PASS, type RequestFilter } from '../filters/filter.interface.ts';
import { urlRedirects } from './url-redirects.ts';

/** Certificates are asked for here over plain HTTP (RFC 8555 section 8.3); ingress-nginx leaves it out, too. */
const challenges = Buffer.from('/.well-known/acme-challenge', 'latin1');

/**
 * Requests over plain HTTP are sent to https; what came by TLS learns that it always should (RFC 6797). Then to where else their
 * URL leads.
 */
export function httpsFilter({ toHttps, hsts, redirects }: EdgePolicy): RequestFilter | undefined {
  const elsewhere = redirects && urlRedirects(redirects);
  if (toHttps === undefined && hsts === undefined) return elsewhere;
  const to = (status: number): Redirect =>
    new Redirect({ kind: 'redirect', status, scheme: 'https', port: toHttps?.port ?? 443 });
  const redirect = toHttps && to(toHttps.status);
  const others = toHttps?.otherStatus === undefined ? redirect : to(toHttps.otherStatus);
  const always = hsts && hstsValue(hsts);
  return {
    judge(request) {
      if (request.secure) {
        if (always !== undefined) request.answerFields.push(['strict-transport-security', always]);
        return elsewhere?.judge(request) ?? PASS;
      }
      if (redirect === undefined) return elsewhere?.judge(request) ?? PASS;
      if (request.head.method === METHOD.CONNECT) return PASS;
      const { parts } = request;
      const { pathBytes, pathStart, pathEnd } = parts;
      if (pathBytes.subarray(pathStart, Math.min(pathEnd, pathStart + challenges.length)).equals(challenges))
        return PASS;
      const by = request.head.method === METHOD.GET ? redirect : others!;
      return { reply: by.reply(parts, request.localFields), flag: '', detail: '' };
    },
  };
}

function hstsValue({ maxAgeSeconds, includeSubdomains, preload }: Hsts): string {
  return `max-age=${maxAgeSeconds}${includeSubdomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
}
