// Envoy's ext_authz over HTTP: the request without its body is sent to the authorizer, whose status is the verdict.
import type { Field } from '../http/index.ts';
import type { ExternalAuthorizer } from '../model/index.ts';
import type { Decision, Question } from './decision.ts';
import { HeaderPatterns, maySet } from './header-patterns.ts';

/** Always told (Envoy's HttpService, authorization_request); method, path and Host are the request's own. */
const alwaysTold = ['authorization'];

/** What is sent: a request, whose fields say who is asked and how long the body is. Each character is a byte. */
export interface Check {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  readonly body: Buffer | undefined;
}

/** How one authorizer is asked over HTTP, compiled once. */
export class HttpCheck {
  readonly #prefix: string;
  readonly #told: HeaderPatterns;
  readonly #added: readonly Field[];
  readonly #toUpstream: HeaderPatterns;
  readonly #onDeny: HeaderPatterns | undefined;
  readonly #onAllow: HeaderPatterns;

  constructor(authorizer: ExternalAuthorizer) {
    const { pathPrefix = '', includeRequestHeaders = [], addRequestHeaders = [] } = authorizer;
    const { headersToUpstream = [], headersToDownstreamOnDeny, headersToDownstreamOnAllow = [] } = authorizer;
    this.#prefix = pathPrefix;
    this.#told = new HeaderPatterns([...alwaysTold, ...includeRequestHeaders]);
    this.#added = addRequestHeaders;
    this.#toUpstream = new HeaderPatterns(headersToUpstream);
    this.#onDeny = headersToDownstreamOnDeny && new HeaderPatterns(headersToDownstreamOnDeny);
    this.#onAllow = new HeaderPatterns(headersToDownstreamOnAllow);
  }

  /** The request that asks. */
  ask({ method, target, authority, fields, body }: Question): Check {
    const added = new Set(this.#added.map(([name]) => name));
    const told = fields.filter(
      ([name, value]) => this.#told.has(name) && !added.has(name) && maySet(name, value),
    );
    const path = target.startsWith('/') ? target : '/';
    const length: Field = ['content-length', `${body?.length ?? 0}`];
    return {
      method,
      target: `${this.#prefix}${path}`,
      fields: [['host', authority], ...told, ...this.#added, length],
      body,
    };
  }

  /** What the answer means: 200 allows, 5xx is no verdict, anything else denies. */
  read(status: number, fields: readonly Field[], body: string): Decision {
    if (status >= 500) return { kind: 'failed', why: `its answer is ${status}` };
    const settable = fields.filter(([name, value]) => maySet(name, value));
    if (status === 200)
      return {
        kind: 'allowed',
        set: settable.filter(([name]) => this.#toUpstream.has(name)),
        append: [],
        remove: [],
        toClient: settable.filter(([name]) => this.#onAllow.has(name)),
      };
    const told = this.#onDeny === undefined ? settable : settable.filter(([name]) => this.#onDeny!.has(name));
    return { kind: 'denied', status, fields: told, body };
  }
}
