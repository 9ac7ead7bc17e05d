// Pages of a route for the errors that the gateway answers itself: error-pages { default-format; pages { "404" { … } } }.
import { reasonPhrase } from '../../http/index.ts';
import type { KdlReport, Section } from '../../kdl/index.ts';
import type { ErrorPage } from '../../model/index.ts';
import { given, some } from '../given.ts';
import type { SentinelFiles } from './files.ts';
import { readField } from './header-edits.ts';
import { filled, templatePath } from './page-templates.ts';
import { PAGE_STATUSES, type PageFormat } from './schema/error-pages.ts';

/** What pages are made of beside their block. */
export interface PageSources {
  /** The id of their route. */
  readonly route: string;
  /** SentinelFiles.templates */
  readonly templates: SentinelFiles['templates'];
}

/** One page for each status: written once, so that an answer costs no more than its bytes. */
export function readErrorPages(
  section: Section,
  sources: PageSources,
  report: KdlReport,
): readonly ErrorPage[] {
  const usual = section.text('default-format') as PageFormat;
  const folder = section.text('template-dir');
  const pages = section.section('pages');
  return PAGE_STATUSES.map(status => {
    const page = pages?.section(status);
    const format = (page?.text('format') as PageFormat | undefined) ?? usual;
    const headers = page?.sections('headers').flatMap(each => each.entries) ?? [];
    const fields = headers.map(entry => readField(entry, report)).filter(field => field !== undefined);
    const plain = written(format, status, page?.text('message'));
    const body = page?.has('template')
      ? fromTemplate(page, { status, format, folder }, sources, report)
      : undefined;
    return {
      statuses: [Number(status)],
      // What an upstream says to its errors is its own affair.
      ownOnly: true,
      ...plain,
      ...given({ body, fields: some(fields) }),
    };
  });
}

/** Undefined where there is none, which is reported, or where nobody has looked. */
function fromTemplate(
  page: Section,
  {
    status,
    format,
    folder,
  }: { readonly status: string; readonly format: PageFormat; readonly folder: string | undefined },
  { route, templates }: PageSources,
  report: KdlReport,
): string | undefined {
  const path = templatePath(page.text('template')!, folder);
  const file = templates?.[path];
  if (file === undefined) return undefined;
  const reason = reasonPhrase(Number(status));
  const words = { status, reason, message: page.text('message') ?? reason, route };
  const found =
    'unreadable' in file
      ? { wrong: `it cannot be read: ${file.unreadable}` }
      : filled(file.text, words, ESCAPES[format]);
  if ('page' in found) return found.page;
  report.error('sentinel-template', page.placeOf('template'), `template ${path}: ${found.wrong}`);
  return undefined;
}

/** How a word is written in a page of each format; in JSON, within a string. */
const ESCAPES: Readonly<Record<PageFormat, (word: string) => string>> = {
  html: escaped,
  xml: escaped,
  json: word => JSON.stringify(word).slice(1, -1),
  text: word => word,
};

/** Of routes of service-type api, which say nothing else: every error of the gateway's own is JSON. */
export const jsonPages: readonly ErrorPage[] = PAGE_STATUSES.map(status => ({
  statuses: [Number(status)],
  ownOnly: true,
  ...written('json', status, undefined),
}));

function written(
  format: PageFormat,
  status: string,
  message: string | undefined,
): Required<Pick<ErrorPage, 'body' | 'contentType'>> {
  const reason = reasonPhrase(Number(status));
  const words = message ?? reason;
  switch (format) {
    case 'json':
      return {
        contentType: 'application/json',
        body: `${JSON.stringify({ status: Number(status), error: reason, message: words })}\n`,
      };
    case 'text':
      return { contentType: 'text/plain; charset=utf-8', body: `${words}\n` };
    case 'xml':
      return {
        contentType: 'application/xml; charset=utf-8',
        body: `<?xml version="1.0" encoding="UTF-8"?>\n<error><status>${status}</status><message>${escaped(words)}</message></error>\n`,
      };
    case 'html': {
      const title = escaped(`${status} ${reason}`);
      const more = message === undefined ? '' : `<p>${escaped(message)}</p>`;
      return {
        contentType: 'text/html; charset=utf-8',
        body: `<!doctype html>\n<html><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1>${more}</body></html>\n`,
      };
    }
  }
}

/**
 * As text between tags or in the value of an attribute, of HTML and of XML alike; XML has no other control characters than these
 * three at all.
 */
function escaped(text: string): string {
  return text
    .replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
