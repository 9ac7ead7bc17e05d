import { reasonPhrase } from '../../../http/index.ts';
import { type BlockSchema, oneOf, text } from '../../../kdl/index.ts';

/** How a page is written. */
export type PageFormat = 'json' | 'html' | 'text' | 'xml';

/** Statuses that may have a page: every error that has a name. */
export const PAGE_STATUSES: readonly string[] = Array.from({ length: 200 }, (_, index) => 400 + index)
  .filter(status => reasonPhrase(status) !== '')
  .map(String);

const format = oneOf('json', 'html', 'text', 'xml');

const page: BlockSchema = {
  options: {
    format: { type: format },
    message: { type: text },
    headers: { block: { options: {}, free: text } },
    template: {
      type: text,
      why: 'holds: a file, with {{status}}, {{reason}}, {{message}} and {{route}} in it',
    },
  },
};

/** `error-pages { … }` of a route. */
export const errorPages: BlockSchema = {
  options: {
    'default-format': { type: format, fallback: 'json' },
    pages: { block: { options: Object.fromEntries(PAGE_STATUSES.map(code => [code, { block: page }])) } },
    'template-dir': { type: text, why: 'holds: where the files of template are' },
  },
};
