import { WeftError } from '../../errors/index.ts';
import type { Field } from '../../http/index.ts';
import type { AuthRequest, ObjectRef } from '../../model/index.ts';
import type { EdgeAnswer, EdgeServices } from '../filters/edge.interface.ts';
import { type FilteredRequest, type Instead, PASS } from '../filters/filter.interface.ts';
import { localReply } from '../replies/local-replies.ts';
import type { AccessStep, Said } from './access.ts';
import { edgeText, requestTarget } from './edge-text.ts';
import { callOutside } from './outside-call.ts';

/** Of an answer; its body is not used. */
const maxBytes = 64 * 1024;
/** nginx's proxy_read_timeout. */
const defaultTimeoutMs = 60_000;
/** Answers that are remembered. */
const maxKept = 10_000;

/** Fields of the client's request that the question does not have: they are of its connection, or of its body. */
const ownFields: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'expect',
  'x-forwarded-proto',
  'x-original-url',
  'x-original-method',
  'x-sent-from',
  'x-real-ip',
  'x-forwarded-for',
  'x-forwarded-method',
  'x-forwarded-host',
  'x-forwarded-uri',
  'x-auth-request-redirect',
  'x-forwarded-client-cert',
]);

interface Kept {
  readonly answer: EdgeAnswer;
  readonly untilMs: number;
}

/** Asks others whether requests may pass, as ngx_http_auth_request_module does, with the fields that ingress-nginx adds. */
export class AuthQuestions {
  readonly #services: EdgeServices;
  readonly #kept = new Map<string, Kept>();

  constructor(services: EdgeServices) {
    this.#services = services;
  }

  /**
   * Answers are remembered for each `route`, URL and host apart, as ingress-nginx has it: what was said of one says nothing of
   * another. Throws a WeftError for what cannot be asked.
   */
  step(auth: AuthRequest, route: string, from: ObjectRef | undefined): AccessStep {
    const { url, timeoutMs = defaultTimeoutMs } = auth;
    const base = /^(https?):\/\/([^/?#$]+)/.exec(url);
    if (base === null)
      throw new WeftError(
        'bad-auth-url',
        `'${url}' is no URL whose host is known; it begins with http:// or https://`,
        {
          source: 'config',
        },
      );
    const [whole, scheme, authority] = base as unknown as readonly [string, 'http' | 'https', string];
    const { hostname, port } = new URL(whole);
    const target = edgeText(url.slice(whole.length).replace(/^(?!\/)/, '/'));
    const signIn =
      auth.signIn === undefined ? undefined : edgeText(signInUrl(auth.signIn, auth.signInParameter));
    const fields = (auth.requestHeaders ?? []).map(
      ([name, value]) => [name.toLowerCase(), edgeText(value)] as const,
    );
    const upstream = (auth.responseHeaders ?? []).map(name => ({
      name: name.toLowerCase(),
      bytes: Buffer.from(name.toLowerCase(), 'latin1'),
    }));
    const scope = JSON.stringify([route, url]);
    const own = auth.cache && edgeText(`$host ${auth.cache.key}`);
    const key = own && ((request: FilteredRequest): string => `${scope} ${own(request)}`);
    const place = {
      scheme,
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(port) || (scheme === 'https' ? 443 : 80),
    };

    const verdict = (answer: EdgeAnswer | string, request: FilteredRequest): Said => {
      if (typeof answer === 'string')
        return refusal(request, 500, `${url} could not be asked: ${answer}`, from);
      const { status } = answer;
      const cookies = answer.fields.filter(([name]) => name === 'set-cookie');
      if (status >= 200 && status < 300) {
        for (const { name, bytes } of upstream) {
          request.head.removeSpellings(bytes);
          const told = answer.fields.find(([each]) => each === name)?.[1];
          if (told !== undefined && told !== '') request.head.add(bytes, Buffer.from(told, 'latin1'));
        }
        request.answerFields.push(...cookies);
        return PASS;
      }
      if (auth.form === 'forward') return passedOn(answer, `${url} answered ${status}`, request, from);
      if (status === 401 && signIn !== undefined)
        return sent(signIn(request), cookies, `${url} answered 401`, request, from);
      if (status !== 401 && status !== 403) return refusal(request, 500, `${url} answered ${status}`, from);
      const challenge = answer.fields.filter(([name]) => name === 'www-authenticate');
      const told = auth.alwaysSetCookie === true ? [...challenge, ...cookies] : challenge;
      return refusal(request, status, `${url} answered ${status}`, from, status === 401 ? told : []);
    };

    return request => {
      const kept = key === undefined ? undefined : this.#find(key(request));
      if (kept !== undefined) return verdict(kept, request);
      const question = {
        ...place,
        method: auth.method ?? 'GET',
        target: target(request),
        fields: fieldsOf(request, authority, auth, fields),
        timeoutMs,
        maxBytes,
      };
      const name = key?.(request);
      const { turn } = request;
      return new Promise(resolve => {
        const done = (answer: EdgeAnswer | string): void => {
          if (name !== undefined && typeof answer !== 'string') this.#keep(name, answer, auth);
          // What is under way by now is another request; nobody asks what is said here.
          resolve(request.turn === turn ? verdict(answer, request) : PASS);
        };
        if (scheme === 'https') callOutside(question, done);
        else this.#services.ask(question, done);
      });
    };
  }

  #find(key: string): EdgeAnswer | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    if (kept.untilMs > this.#services.now()) return kept.answer;
    this.#kept.delete(key);
    return undefined;
  }

  #keep(key: string, answer: EdgeAnswer, { cache }: AuthRequest): void {
    const ttlMs = cache?.ttlMs[String(answer.status)] ?? cache?.ttlMs.any;
    if (ttlMs === undefined) return;
    if (this.#kept.size >= maxKept) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(key, {
      answer: { ...answer, body: Buffer.alloc(0) },
      untilMs: this.#services.now() + ttlMs,
    });
  }
}

function fieldsOf(
  request: FilteredRequest,
  authority: string,
  { requestRedirect, form, only }: AuthRequest,
  more: readonly (readonly [name: string, value: (request: FilteredRequest) => string])[],
): readonly Field[] {
  const { head } = request;
  const fields: Field[] = [['host', authority]];
  const set = new Set(more.map(([name]) => name));
  for (let i = 0; i < head.count; i++) {
    if (head.isRemoved(i)) continue;
    const name = head.name(i).toLowerCase();
    if (only?.includes(name) === false) continue;
    if (!ownFields.has(name) && !set.has(name)) fields.push([name, head.text(i)]);
  }
  const scheme = request.secure ? 'https' : 'http';
  const told: readonly Field[] =
    form === 'forward'
      ? [
          ['x-forwarded-method', head.methodText],
          ['x-forwarded-proto', scheme],
          ['x-forwarded-host', head.authority],
          ['x-forwarded-uri', requestTarget(request)],
          ['x-forwarded-for', request.clientAddress],
        ]
      : [
          ['x-original-url', `${scheme}://${head.authority}${requestTarget(request)}`],
          ['x-original-method', head.methodText],
          ['x-sent-from', 'nginx-ingress-controller'],
          ['x-real-ip', request.clientAddress],
          ['x-forwarded-for', request.clientAddress],
          ['x-auth-request-redirect', requestRedirect ?? requestTarget(request)],
        ];
  fields.push(...told);
  for (const [name, value] of more) fields.push([name, value(request)]);
  return fields.filter(([, value]) => value !== '');
}

/** ingress-nginx's buildAuthSignURL: where the client wanted to go is told, unless the URL says it itself. */
function signInUrl(url: string, parameter = 'rd'): string {
  const where = `${parameter}=$pass_access_scheme://$http_host$escaped_request_uri`;
  const query = url.indexOf('?');
  if (query < 0) return `${url}?${where}`;
  const has = url
    .slice(query + 1)
    .split('&')
    .some(each => each.split('=')[0] === parameter);
  return has ? url : `${url}&${where}`;
}

function sent(
  location: string,
  cookies: readonly Field[],
  why: string,
  { localFields }: FilteredRequest,
  from: ObjectRef | undefined,
): Instead {
  // Whatever the client wrote stands in it.
  const safe = location.replace(/[^\x21-\x7e]/g, each => encodeURIComponent(each));
  const reply = {
    status: 302,
    contentType: '',
    body: '',
    fields: [['location', safe] as const, ...cookies, ...localFields],
    close: false,
  };
  return { reply, flag: 'UAEX', detail: `auth_request_denied: ${why}`, ...(from && { from }) };
}

/** Of the connection that the answer came by, or said anew for the client's. */
const framing: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'content-length',
  'content-type',
  'date',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The answer itself: where clients log in, say. */
function passedOn(
  { status, fields, body }: EdgeAnswer,
  why: string,
  { localFields }: FilteredRequest,
  from: ObjectRef | undefined,
): Instead {
  const contentType = fields.find(([name]) => name === 'content-type')?.[1] ?? '';
  const reply = {
    status,
    contentType,
    body: body.toString('utf8'),
    fields: [...fields.filter(([name]) => !framing.has(name)), ...localFields],
    close: false,
  };
  return { reply, flag: 'UAEX', detail: `auth_request_denied: ${why}`, ...(from && { from }) };
}

function refusal(
  { localFields }: FilteredRequest,
  status: number,
  why: string,
  from: ObjectRef | undefined,
  fields: readonly Field[] = [],
): Instead {
  const reply = localReply('UAEX', '', { status, fields: [...fields, ...localFields] });
  return {
    reply,
    flag: 'UAEX',
    detail: `auth_request_${status === 500 ? 'error' : 'denied'}: ${why}`,
    ...(from && { from }),
  };
}
