import { isIpv6 } from '../model/index.ts';

/** An httpGet of a probe or hook, its port resolved. */
export interface HttpGetAction {
  readonly path?: string;
  readonly port: number;
  readonly scheme?: 'HTTP' | 'HTTPS';
  readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
}

/** Where one request of a probe goes; after redirects another than at first. */
export interface ProbeUrl {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly target: string;
}

// Go's net/url (encodePath): what a path may have as it stands, and what it keeps when it is written anew.
const validPath = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/[\]]|%[0-9A-Fa-f]{2})*$/;
const keptInPath = /[A-Za-z0-9\-._~$&+,/:;=@]/;
const badEscape = /%(?![0-9A-Fa-f]{2})/;
const control = /[\0-\x1f\x7f]/;

/**
 * The request target for the `path` of an httpGet. The kubelet reads it as a URL and puts scheme and host of the pod in
 * (formatURL of pkg/probe/http): what is before the path goes, a query stays, and a slash is put before a path that has none.
 * What is no URL is a path as it stands. Undefined where Go makes an opaque URL of it (`a:b`), which the kubelet cannot ask.
 */
export function requestTarget(path = ''): string | undefined {
  const parts = urlParts(path);
  if (parts === 'opaque') return undefined;
  const { pathname, query } = parts ?? { pathname: undefined, query: undefined };
  const escaped = pathname === undefined ? escapePath(Buffer.from(path)) : escapedPath(pathname);
  const slashed = escaped.startsWith('/') ? escaped : `/${escaped}`;
  return query === undefined ? slashed : `${slashed}?${query.replaceAll(' ', '%20')}`;
}

/** Path and query as Go's url.Parse finds them; undefined where that is an error. */
function urlParts(text: string): { pathname: string; query: string | undefined } | 'opaque' | undefined {
  if (control.test(text)) return undefined;
  const hash = text.indexOf('#');
  if (hash >= 0 && badEscape.test(text.slice(hash))) return undefined;
  let rest = hash < 0 ? text : text.slice(0, hash);
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:/.exec(rest)?.[0] ?? '';
  if (scheme === '' && rest.startsWith(':')) return undefined;
  rest = rest.slice(scheme.length);
  const mark = rest.indexOf('?');
  const query = mark < 0 ? undefined : rest.slice(mark + 1);
  if (mark >= 0) rest = rest.slice(0, mark);
  if (!rest.startsWith('/')) {
    if (scheme !== '') return 'opaque';
    if (rest.split('/', 1)[0]!.includes(':')) return undefined;
  } else if (rest.startsWith('//') && (scheme !== '' || !rest.startsWith('///'))) {
    const slash = rest.indexOf('/', 2);
    const authority = rest.slice(2, slash < 0 ? undefined : slash);
    if (!/^([^@]*@)?(\[[0-9A-Fa-f:.%]*\]|[^:[\]]*)(:\d*)?$/.test(authority)) return undefined;
    rest = slash < 0 ? '' : rest.slice(slash);
  }
  if (badEscape.test(rest)) return undefined;
  return { pathname: rest, query: query === '' ? undefined : query };
}

/** As it stands where that is valid; otherwise decoded and encoded anew, as Go does. */
function escapedPath(pathname: string): string {
  if (validPath.test(pathname)) return pathname;
  const bytes: number[] = [];
  const raw = Buffer.from(pathname);
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] !== 0x25) bytes.push(raw[i]!);
    else {
      bytes.push(Number.parseInt(raw.toString('latin1', i + 1, i + 3), 16));
      i += 2;
    }
  }
  return escapePath(Buffer.from(bytes));
}

function escapePath(bytes: Buffer): string {
  let out = '';
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    out += keptInPath.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

/** What one request carries beside its URL. */
export interface ProbeHeaders {
  readonly given: NonNullable<HttpGetAction['httpHeaders']>;
  readonly userAgent: string;
  /** Host in place of the URL's; '' for that. */
  readonly host: string;
  readonly referer: string;
}

/** Headers that Go's client writes itself, whatever the probe says. */
const notSent = ['host', 'user-agent', 'content-length', 'transfer-encoding', 'trailer'];
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Why the headers of a probe cannot be sent; undefined when they can. */
export function headerFault(given: ProbeHeaders['given']): string | undefined {
  for (const { name, value } of given) {
    if (!token.test(name)) return `'${name}' is no name of a header`;
    if (control.test(value.replaceAll('\t', ' ')))
      return `the value of header ${name} has a control character`;
  }
  return undefined;
}

/** `10.1.2.3:80`, brackets around IPv6. */
export function authorityOf({ host, port }: ProbeUrl): string {
  return `${isIpv6(host) ? `[${host}]` : host}:${port}`;
}

/** The request as Go's client writes it: Host, User-Agent, the others in the order of their names. */
export function requestText(url: ProbeUrl, headers: ProbeHeaders): string {
  const { given, userAgent, host, referer } = headers;
  const headerOf = (name: string): string | undefined =>
    given.find(each => each.name.toLowerCase() === name)?.value;
  const agent = headerOf('user-agent') ?? userAgent;
  const others = given
    .filter(({ name }) => !notSent.includes(name.toLowerCase()))
    .map(({ name, value }): [string, string] => [canonical(name), value.trim()]);
  const accepts = others.filter(([name]) => name === 'Accept');
  // An empty Accept takes the header away.
  const kept = accepts[0]?.[1] === '' ? others.filter(([name]) => name !== 'Accept') : others;
  if (accepts.length === 0) kept.push(['Accept', '*/*']);
  if (referer !== '' && !kept.some(([name]) => name === 'Referer')) kept.push(['Referer', referer]);
  const lines = [
    `Host: ${host === '' ? authorityOf(url) : host}`,
    ...(agent === '' ? [] : [`User-Agent: ${agent}`]),
    ...kept.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([name, value]) => `${name}: ${value}`),
    'Connection: close',
  ];
  return `GET ${url.target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** `x-a` as `X-A`, as Go's http.Header has it. */
function canonical(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, letter => letter.toUpperCase());
}
