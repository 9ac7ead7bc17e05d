// Cross-origin requests as Envoy's CORS filter answers them, which is what Istio's corsPolicy and Gateway API's CORS filter mean:
// https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/cors_filter
import { WeftError } from '../errors/index.ts';
import { type Field, type Head, type LocalReply, METHOD, NO_FIELDS, TOKEN } from '../http/index.ts';
import type { CorsPolicy } from '../model/index.ts';
import { TextTest } from './text-test.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const originName = bytes('origin');
const requestMethodName = bytes('access-control-request-method');
const requestHeadersName = bytes('access-control-request-headers');
const allowOriginName = bytes('access-control-allow-origin');
const credentialsName = bytes('access-control-allow-credentials');
const exposeName = bytes('access-control-expose-headers');
const credentials: Field = ['access-control-allow-credentials', 'true'];
const yes = bytes('true');

/**
 * What a request is, as far as CORS is concerned. `preflight`: answered by the proxy. `allowed`: its answer says so to the
 * browser.
 */
export const CORS = { NONE: 0, ALLOWED: 1, PREFLIGHT: 2, REFUSED_PREFLIGHT: 3 } as const;

/** A CorsPolicy that is ready for use. */
export class Cors {
  readonly #origins: readonly TextTest[];
  readonly #any: boolean;
  readonly #credentials: boolean;
  readonly #forwardUnmatched: boolean;
  readonly #expose: Field | undefined;
  readonly #exposeBytes: Buffer;
  readonly #preflight: readonly Field[];
  readonly #anyMethod: boolean;
  readonly #anyHeader: boolean;

  /** Throws a WeftError for a bad pattern, a method or header that is none, or an age that is none. */
  constructor(policy: CorsPolicy) {
    this.#origins = policy.origins.map(origin => new TextTest(origin));
    this.#any = policy.origins.some(({ kind, value }) => kind === 'exact' && value === '*');
    this.#credentials = policy.credentials;
    this.#forwardUnmatched = policy.forwardUnmatchedPreflights;
    checkNames([...policy.methods, ...policy.headers, ...policy.exposeHeaders]);
    const age = policy.maxAgeSeconds;
    if (age !== undefined && !(age >= 0 && Number.isFinite(age)))
      throw new WeftError('bad-cors', `${age} s is no maximum age of a preflight's answer`, {
        source: 'config',
      });
    const list = (name: string, values: readonly string[]): Field[] =>
      values.length === 0 ? [] : [[name, values.join(',')]];
    [this.#expose] = list('access-control-expose-headers', policy.exposeHeaders);
    this.#exposeBytes = bytes(this.#expose?.[1] ?? '');
    this.#preflight = [
      ...(policy.credentials ? [credentials] : []),
      ...list('access-control-allow-methods', policy.methods),
      ...list('access-control-allow-headers', policy.headers),
      ...(age === undefined ? [] : list('access-control-max-age', [String(age)])),
      // Browsers look for it in the answer itself; Gateway API wants it here, too.
      ...(this.#expose === undefined ? [] : [this.#expose]),
    ];
    this.#anyMethod = policy.anyMethod ?? false;
    this.#anyHeader = policy.anyHeader ?? false;
  }

  /** One of CORS. */
  judge(request: Head): number {
    const origin = request.find(originName);
    if (origin < 0 || request.valueEnd(origin) === request.valueStart(origin)) return CORS.NONE;
    const asked = request.method === METHOD.OPTIONS ? request.find(requestMethodName) : -1;
    const isPreflight = asked >= 0 && request.valueEnd(asked) > request.valueStart(asked);
    if (!this.#allows(request, origin))
      return isPreflight && !this.#forwardUnmatched ? CORS.REFUSED_PREFLIGHT : CORS.NONE;
    return isPreflight ? CORS.PREFLIGHT : CORS.ALLOWED;
  }

  /** The answer to a preflight, `judged` as such. */
  reply(request: Head, judged: number): LocalReply {
    const fields =
      judged === CORS.PREFLIGHT
        ? [originField(request), ...this.#preflight, ...this.#asked(request)]
        : NO_FIELDS;
    return { status: 200, contentType: '', body: '', fields, close: false };
  }

  /** What the browser asked for, where all of it is allowed. */
  #asked(request: Head): Field[] {
    const answer = (isAny: boolean, asked: Buffer, name: string): Field[] => {
      const at = isAny ? request.find(asked) : -1;
      return at < 0 ? [] : [[name, request.text(at)]];
    };
    return [
      ...answer(this.#anyMethod, requestMethodName, 'access-control-allow-methods'),
      ...answer(this.#anyHeader, requestHeadersName, 'access-control-allow-headers'),
    ];
  }

  /** Tells the browser that it may show the answer. */
  decorate(response: Head, request: Head): void {
    response.set(allowOriginName, bytes(originField(request)[1]));
    if (this.#credentials) response.set(credentialsName, yes);
    if (this.#expose !== undefined) response.set(exposeName, this.#exposeBytes);
  }

  /** The same for answers of Weft's own. */
  fields(request: Head): readonly Field[] {
    const fields = [originField(request)];
    if (this.#credentials) fields.push(credentials);
    if (this.#expose !== undefined) fields.push(this.#expose);
    return fields;
  }

  #allows(request: Head, origin: number): boolean {
    if (this.#any) return true;
    const start = request.valueStart(origin);
    const end = request.valueEnd(origin);
    return this.#origins.some(test => test.test(request.bytes, start, end));
  }
}

/** Lists of them become headers of answers: what is no token would end the line, or make another one. */
function checkNames(names: readonly string[]): void {
  for (const name of names) {
    if (name !== '' && Buffer.from(name, 'utf8').every(code => TOKEN[code] === 1)) continue;
    throw new WeftError('bad-cors', `'${name}' is no method and no header; correct it in the CORS policy`, {
      source: 'config',
    });
  }
}

/** The very origin that asked, as Envoy does, also where all are allowed: only so it goes together with credentials. */
function originField(request: Head): Field {
  return ['access-control-allow-origin', request.text(request.find(originName))];
}
