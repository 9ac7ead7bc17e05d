import { WeftError } from '../errors/index.ts';
import type { Field, LocalReply } from '../http/index.ts';
import type { Redirect as RedirectModel } from '../model/index.ts';
import { checkedAuthority } from './header-edits.ts';
import { PathRewrite } from './path-rewrite.ts';
import type { RequestParts } from './request-parts.ts';

const defaultPorts: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** A Redirect that is ready for use. */
export class Redirect {
  readonly #redirect: RedirectModel;
  readonly #path: PathRewrite | undefined;
  /** In requests that go to http. */
  readonly #oldPort: number | undefined;

  /** Throws a WeftError for what no Location may hold. */
  constructor(redirect: RedirectModel) {
    const { status, scheme, authority, path } = redirect;
    if (![301, 302, 303, 307, 308].includes(status))
      throw new WeftError('bad-redirect', `${status} is no status of a redirect`, { source: 'config' });
    if (scheme !== undefined && !/^[a-z][a-z0-9+.-]*$/i.test(scheme))
      throw new WeftError('bad-redirect', `'${scheme}' is no scheme`, { source: 'config' });
    if (authority !== undefined) checkedAuthority(authority);
    this.#redirect = redirect;
    // Who names http comes from https; where nobody names a scheme the request's own is kept, whatever its port.
    this.#oldPort = scheme === undefined ? undefined : 443;
    this.#path = path && new PathRewrite(path);
  }

  /** The answer. `more`: further fields of it. */
  reply(parts: RequestParts, more: readonly Field[]): LocalReply {
    const { status } = this.#redirect;
    const fields: Field[] = [['location', this.location(parts)], ...more];
    return { status, contentType: '', body: '', fields, close: false };
  }

  location(parts: RequestParts): string {
    const scheme = this.#redirect.scheme?.toLowerCase() ?? 'http';
    const target = this.#path?.target(parts) ?? originalTarget(parts);
    return `${scheme}://${this.#authority(parts, scheme)}${target}`;
  }

  /**
   * Host and port. A port that nobody names stays, unless the host is another one, or the scheme is and the port was that of the
   * old scheme, as Envoy has it (Istio's redirects; those of Gateway API name one: resolve/virtual-host.ts). One that goes
   * without saying is left out (HTTPRequestRedirectFilter.port).
   */
  #authority(parts: RequestParts, scheme: string): string {
    const { authority, port } = this.#redirect;
    const { head, authorityStart, hostEnd, authorityEnd } = parts;
    const asked = authority ?? head.bytes.toString('latin1', authorityStart, authorityEnd);
    const askedPort = /:(\d+)$/.exec(asked)?.[1];
    const host = authority === undefined ? head.bytes.toString('latin1', authorityStart, hostEnd) : asked;
    const bare = authority === undefined ? host : host.replace(/:\d+$/, '');
    const isOld = authority === undefined && Number(askedPort) === (scheme === 'http' ? this.#oldPort : 80);
    const kept = isOld ? undefined : askedPort;
    const chosen = port ?? (kept === undefined ? undefined : Number(kept));
    return chosen === undefined || chosen === defaultPorts[scheme] ? bare : `${bare}:${chosen}`;
  }
}

function originalTarget(parts: RequestParts): string {
  const { pathBytes, pathStart, pathEnd, hasQuery, queryStart, queryEnd } = parts;
  const path = pathBytes.toString('latin1', pathStart, pathEnd);
  return hasQuery ? `${path}?${parts.head.bytes.toString('latin1', queryStart, queryEnd)}` : path;
}
