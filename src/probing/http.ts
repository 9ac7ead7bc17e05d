import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { errorMessage, guarded, INTERNAL_ERROR } from '../errors/index.ts';
import { isIpv6 } from '../model/index.ts';
import { AnswerReader, type ProbeAnswer } from './http-answer.ts';
import {
  authorityOf,
  type HttpGetAction,
  headerFault,
  type ProbeHeaders,
  type ProbeUrl,
  requestTarget,
  requestText,
} from './http-request.ts';
import { type GivingUp, type ProbedPod, withSocket } from './with-socket.ts';

/** Who asks, and for how long. */
export interface HttpAsker extends GivingUp {
  /** `kube-probe/1.34` unless told, and `kube-lifecycle/1.34` for hooks. */
  readonly userAgent?: string;
}

const maxRedirects = 10;
const redirects = [301, 302, 303, 307, 308];

/**
 * A probe. 200 to 399 is success; redirects are followed as long as they stay on the host that is asked, at most ten; one that
 * leads elsewhere is success. Certificates are not verified. The time covers all of it, up to 10 KB of the body included.
 */
export async function probeHttp(
  get: HttpGetAction,
  pod: ProbedPod,
  asker: HttpAsker,
): Promise<string | undefined> {
  const where = whereOf(get);
  const answer = await ask(get, pod, { userAgent: 'kube-probe/1.34', ...asker }, false);
  if (typeof answer === 'string') return answer;
  const { status } = answer;
  return status >= 200 && status < 400 ? undefined : `${where} answered ${status}`;
}

/**
 * A hook: any answer is success, and there is no limit but the `asker`'s. A server that speaks plain HTTP where HTTPS is said
 * gets that.
 */
export async function hookHttp(
  get: HttpGetAction,
  pod: ProbedPod,
  asker: HttpAsker,
): Promise<string | undefined> {
  const hook = { userAgent: 'kube-lifecycle/1.34', ...asker };
  const answer = await ask(get, pod, hook, true);
  if (typeof answer !== 'string') return undefined;
  // What OpenSSL says to an answer in plain text, in its versions.
  const isPlain =
    get.scheme === 'HTTPS' && /wrong version number|packet length too long|WRONG_VERSION/i.test(answer);
  if (!isPlain) return answer;
  const again = await ask(
    { ...get, scheme: 'HTTP', httpHeaders: withoutAuthorization(get) },
    pod,
    hook,
    true,
  );
  return typeof again === 'string' ? again : undefined;
}

function withoutAuthorization({
  httpHeaders = [],
}: HttpGetAction): NonNullable<HttpGetAction['httpHeaders']> {
  return httpHeaders.filter(({ name }) => name.toLowerCase() !== 'authorization');
}

function whereOf({ path, port }: HttpGetAction): string {
  return `GET ${requestTarget(path) ?? path} on port ${port}`;
}

/** The last answer, or why there is none. `headOnly`: the body is not waited for where it is long. */
async function ask(
  get: HttpGetAction,
  pod: ProbedPod,
  { userAgent = '', timeoutMs, signal }: HttpAsker,
  isHook: boolean,
): Promise<ProbeAnswer | string> {
  const where = whereOf(get);
  const target = requestTarget(get.path);
  if (target === undefined)
    return `${where}: the kubelet takes what is before the colon for the scheme of a URL; begin the path with a slash`;
  const given = get.httpHeaders ?? [];
  const fault = headerFault(given);
  if (fault !== undefined) return `${where}: ${fault}`;
  const untilMs = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  let url: ProbeUrl = { secure: get.scheme === 'HTTPS', host: pod.host, port: get.port, target };
  let host = given.find(({ name }) => name.toLowerCase() === 'host')?.value ?? '';
  let referer = '';
  for (let hops = 0; ; hops++) {
    const left = untilMs === undefined ? {} : { timeoutMs: Math.ceil(untilMs - performance.now()) };
    const limit = { ...left, ...(signal && { signal }) };
    const answer = await once(url, { given, userAgent, host, referer }, pod, where, limit, isHook);
    if (typeof answer === 'string') return answer.replace(/within -?\d+ ms$/, `within ${timeoutMs} ms`);
    const next =
      redirects.includes(answer.status) && answer.location !== '' ? follow(url, answer.location) : undefined;
    if (next === undefined) return answer;
    if (typeof next === 'string') return `${where}: ${next}`;
    if (next.host !== pod.host) return answer;
    if (hops + 1 >= maxRedirects) return `${where}: it is redirected ${maxRedirects} times`;
    // A Host of the probe's own stays only while the redirect names none.
    if (isAbsolute(answer.location)) host = '';
    referer =
      url.secure && !next.secure ? '' : `${url.secure ? 'https' : 'http'}://${authorityOf(url)}${url.target}`;
    url = next;
  }
}

const isAbsolute = (location: string): boolean => /^[a-z][a-z0-9+.-]*:/i.test(location);

/** Where a redirect leads; a text when that cannot be asked. */
function follow(from: ProbeUrl, location: string): ProbeUrl | string {
  const base = `${from.secure ? 'https' : 'http'}://${authorityOf(from)}${from.target}`;
  const url = URL.parse(location, base);
  if (url === null) return `it is redirected to '${location.slice(0, 200)}', which is no URL`;
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return `it is redirected to ${url.protocol}, which is not HTTP`;
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // URL writes IPv6 in one form; the pod's may be in another.
  const same = isIpv6(host) && URL.parse(`http://[${from.host}]`)?.hostname === `[${host}]`;
  return {
    secure,
    host: same ? from.host : host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    target: `${url.pathname}${url.search}`,
  };
}

/** One request and its answer. */
function once(
  url: ProbeUrl,
  headers: ProbeHeaders,
  pod: ProbedPod,
  where: string,
  limit: GivingUp,
  isHook: boolean,
): Promise<ProbeAnswer | string> {
  const to = {
    port: url.port,
    host: url.host,
    ...(pod.localAddress !== undefined && { localAddress: pod.localAddress }),
  };
  const open = () => (url.secure ? openTls(to, isHook) : connect(to));
  return withSocket<ProbeAnswer>(
    open,
    url.secure ? 'secureConnect' : 'connect',
    where,
    limit,
    (socket, done) => {
      if ((socket as Partial<TLSSocket>).alpnProtocol === 'h2') {
        import('./http2-answer.ts')
          .then(({ askHttp2 }) => askHttp2(socket, url, headers, where, done))
          .catch((error: unknown) => done(`${where}: ${errorMessage(error)}`));
        return;
      }
      const reader = new AnswerReader();
      const settle = (result: ProbeAnswer | string): void => {
        // The kubelet does not care how the body of a hook's answer ends.
        if (typeof result !== 'string') done(result);
        else done(isHook && reader.head !== undefined ? reader.head : `${where}: ${result}`);
      };
      const failed = (): void => done(`${where}: ${INTERNAL_ERROR}`);
      const feed = (chunk: Buffer): void => {
        const result = reader.feed(chunk);
        if (result !== undefined) settle(result);
      };
      socket.on('data', guarded('probe', feed, failed));
      socket.on('end', () => settle(reader.end()));
      socket.write(requestText(url, headers));
    },
  );
}

function openTls(to: { port: number; host: string; localAddress?: string }, isHook: boolean): TLSSocket {
  return connectTls({
    ...to,
    rejectUnauthorized: false,
    // Whatever the app has: keys of old certificates are short.
    ciphers: 'DEFAULT:@SECLEVEL=0',
    // The kubelet speaks HTTP/2 with what offers it, but not for hooks.
    ...(!isHook && { ALPNProtocols: ['h2', 'http/1.1'] }),
  });
}
