// Pages in a browser must not steer a proxy. A port-forward, or a proxy on a developer's machine, puts the admin port within
// reach of every page that is open there: a form can POST to it (CSRF), and a name that its owner points to 127.0.0.1 makes the
// page and the port one origin (DNS rebinding). See docs/security.md.
import { isIpAddress, parseHostPort } from '../model/index.ts';
import { type AdminHandler, type AdminRequest, type AdminRoutes, text } from './http-server.ts';

/**
 * What calls that change something must carry. A page of another origin cannot send it without asking first (CORS), and is never
 * told yes.
 */
export const ADMIN_HEADER = 'x-weft-admin';

/**
 * Routes that no page in a browser can use: all of them want a Host that is an address or localhost, which a rebound name is not,
 * and those that change something (anything but GET) the header `x-weft-admin` and no Origin besides.
 */
export function guardAdmin(routes: AdminRoutes): AdminRoutes {
  return Object.fromEntries(
    Object.entries(routes).map(([key, handler]) => [key, guarded(handler, !key.startsWith('GET '))]),
  );
}

/**
 * A route that the kubelet asks with GET although it changes something: a hook of the app. Kubelets before 1.26 send no headers
 * of ours, so what is refused is what looks like a browser, which cannot help it.
 */
export function guardHook(handler: AdminHandler): AdminHandler {
  return request => {
    const fault = namedHost(request) ?? looksLikeBrowser(request);
    return fault === undefined ? handler(request) : text(`weft: ${fault}\n`, 403);
  };
}

function guarded(handler: AdminHandler, changes: boolean): AdminHandler {
  return request => {
    const fault = namedHost(request) ?? (changes ? notMeant(request) : undefined);
    return fault === undefined ? handler(request) : text(`weft: ${fault}\n`, 403);
  };
}

/** A name leads wherever its owner says; addresses and localhost do not. */
function namedHost({ headers }: AdminRequest): string | undefined {
  const host = headers?.host;
  // HTTP/1.0 without a Host: no browser of today.
  if (host === undefined || host === '') return undefined;
  const name = parseHostPort(host, 80)?.host.toLowerCase();
  if (name !== undefined && (isIpAddress(name) || name === 'localhost')) return undefined;
  return `this port is asked by address, as 127.0.0.1 or localhost, and not as '${host.slice(0, 100)}': any name may be made to lead here (DNS rebinding)`;
}

function notMeant(request: AdminRequest): string | undefined {
  const { origin } = request.headers ?? {};
  if (origin !== undefined)
    return `a page (Origin: ${origin.slice(0, 100)}) asked for this; use weft, or curl with -H '${ADMIN_HEADER}: yes'`;
  if (request.headers?.[ADMIN_HEADER] !== undefined) return undefined;
  return `calls that change something need a header that no page can send: curl -X ${request.method} -H '${ADMIN_HEADER}: yes' …`;
}

function looksLikeBrowser({ headers = {} }: AdminRequest): string | undefined {
  const sign = headers.origin ?? headers.referer ?? headers['sec-fetch-site'];
  const browser = sign !== undefined || /^mozilla\//i.test(headers['user-agent'] ?? '');
  return browser ? 'hooks of the app are for the kubelet; this looks like a page in a browser' : undefined;
}
