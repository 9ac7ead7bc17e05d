import type { Field, Fields, Head, LocalReply, ServerStream } from '../../http/index.ts';
import { type ErrorPage, formatAddress } from '../../model/index.ts';
import { enterEvent, leaveEvent } from '../../wire/index.ts';
import type { EdgeAnswer, EdgeServices } from '../filters/edge.interface.ts';
import { PassedAnswer } from './passed-answer.ts';

/** Of a page that somebody else makes. */
const maxBytes = 1024 * 1024;
const timeoutMs = 5000;

/** Fields of a page that are its connection's, or that its answer gets anew. */
const framing: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'content-type',
]);

/** Pages by the status that they are for. */
export type Pages = ReadonlyMap<number, ErrorPage>;

/** The first that has a status counts. */
export function compilePages(pages: readonly ErrorPage[]): Pages {
  const all = new Map<number, ErrorPage>();
  for (const page of pages) for (const status of page.statuses) if (!all.has(status)) all.set(status, page);
  return all;
}

/** What is told of the request to who makes a page. */
export interface Asked {
  readonly uri: string;
  readonly format: string;
}

/** The answer of a request whose route has pages for errors: of those statuses nothing goes on but the page. */
export class PagedAnswer extends PassedAnswer {
  readonly #pages: Pages;
  readonly #services: EdgeServices;
  readonly #asked: Asked;
  /** The upstream's own answer is not wanted. */
  #replaced = false;
  #detached = false;

  constructor(client: ServerStream, pages: Pages, services: EdgeServices, asked: Asked) {
    super(client);
    this.#pages = pages;
    this.#services = services;
    this.#asked = asked;
  }

  override respond(head: Head, end: boolean): void {
    const page = this.#pages.get(head.status);
    if (page === undefined || page.ownOnly === true) this.client.respond(head, end);
    else this.#replace(head.status, page, []);
  }

  override respondLocal(reply: LocalReply): void {
    const page = this.#pages.get(reply.status);
    if (page === undefined) this.client.respondLocal(reply);
    else this.#replace(reply.status, page, reply.fields);
  }

  override data(bytes: Buffer, start: number, end: number): boolean {
    return this.#replaced || this.client.data(bytes, start, end);
  }

  override end(trailers: Fields | undefined): void {
    if (!this.#replaced) this.client.end(trailers);
  }

  override detach(): void {
    this.#detached = true;
    super.detach();
  }

  #replace(status: number, page: ErrorPage, fields: readonly Field[]): void {
    this.#replaced = true;
    const { service, body = '', contentType = 'text/html' } = page;
    if (service === undefined) {
      this.client.respondLocal({
        status: page.status ?? status,
        body,
        contentType,
        fields: page.fields === undefined ? fields : [...fields, ...page.fields],
        close: false,
      });
      return;
    }
    const { host, port, headers, target = '/' } = service;
    const { uri, format } = this.#asked;
    const question = {
      host,
      port,
      method: 'GET',
      target: target.replaceAll('{status}', String(status)).replaceAll('{url}', encodeURIComponent(uri)),
      fields: [
        ['host', formatAddress(host, port)] as const,
        ['x-code', String(status)] as const,
        ...(format === '' ? [] : [['x-format', format] as const]),
        ['x-original-uri', uri] as const,
        ...headers,
      ],
      timeoutMs,
      maxBytes,
    };
    this.#services.ask(question, answer => this.#paged(answer, status, page, fields));
  }

  #paged(answer: EdgeAnswer | string, status: number, page: ErrorPage, fields: readonly Field[]): void {
    if (this.#detached) return;
    enterEvent();
    try {
      this.client.respondLocal(replyOf(answer, status, page, fields));
    } finally {
      leaveEvent();
    }
  }
}

function replyOf(
  answer: EdgeAnswer | string,
  status: number,
  page: ErrorPage,
  fields: readonly Field[],
): LocalReply {
  // Nobody makes the page: the status alone has to do.
  if (typeof answer === 'string') return { status, contentType: '', body: '', fields, close: false };
  const contentType = answer.fields.find(([name]) => name === 'content-type')?.[1] ?? '';
  const others = answer.fields.filter(([name]) => !framing.has(name));
  return {
    status: page.status ?? (page.keepStatus === true ? status : answer.status),
    contentType,
    body: answer.body.toString('utf8'),
    fields: [...fields, ...others],
    close: false,
  };
}
