// Middlewares that change what clients get.
import type { Fields } from '../fields.ts';
import type { MiddlewareContext } from './context.ts';
import type { MiddlewareEffect } from './model.ts';

/** What is worth it where nobody says which types are. */
const compressible =
  'text/html text/plain text/css text/javascript text/xml text/csv text/markdown application/javascript application/json application/ld+json application/manifest+json application/xml application/xhtml+xml application/rss+xml application/atom+xml application/wasm image/svg+xml image/x-icon font/opentype application/vnd.ms-fontobject';

/** compress. */
export function readCompress(fields: Fields, { report }: MiddlewareContext): MiddlewareEffect {
  const included = fields.texts('includedContentTypes');
  const excluded = new Set(fields.texts('excludedContentTypes'));
  const minBytes = fields.number('minResponseBodyBytes') ?? 1024;
  const wanted = fields.texts('encodings');
  const known = ['gzip', 'br', 'zstd'] as const;
  const unknown = wanted.find(each => !known.some(name => name === each));
  if (unknown !== undefined)
    report.error(
      'field-invalid',
      fields.at('encodings'),
      `${fields.at('encodings')}: '${unknown}' is none of gzip, br, zstd`,
    );
  fields.unsupported('defaultEncoding', 'clients that accept nothing get what the backend sends');
  const types = (included.length > 0 ? included : compressible.split(' ')).filter(
    each => !excluded.has(each),
  );
  const named = known.filter(each => wanted.includes(each));
  return { edge: { compression: { encodings: named.length > 0 ? named : known, minBytes, types } } };
}

/** errors. */
export function readErrors(
  fields: Fields,
  { namespace, clusterDomain, report }: MiddlewareContext,
): MiddlewareEffect {
  const statuses = fields.texts('status').flatMap(each => {
    const [, from, to = from] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(each) ?? [];
    if (from !== undefined && Number(from) <= Number(to))
      return Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index);
    report.error(
      'field-invalid',
      fields.at('status'),
      `${fields.at('status')}: '${each}' is no status, or range such as 500-599`,
    );
    return [];
  });
  const service = fields.object('service');
  const name = service?.text('name');
  const port = service?.port('port') ?? 80;
  const own = service?.text('namespace') ?? namespace;
  for (const each of ['kind', 'scheme', 'passHostHeader', 'weight']) service?.pass(each);
  service?.rest();
  const target = fields.text('query') ?? '/';
  fields.unsupported('statusRewrites', 'answers keep their status');
  fields.unsupported('forwardNGINXHeaders', 'the page is asked for with X-Code, X-Format and X-Original-URI');
  if (name === undefined || statuses.length === 0) {
    report.error(
      'field-invalid',
      fields.path,
      `${fields.path} wants status, and service with the name of a Service`,
    );
    return {};
  }
  const host = `${name}.${own}.svc.${clusterDomain}`;
  return {
    edge: {
      errorPages: [
        {
          statuses,
          keepStatus: true,
          service: { host, port, target: target.startsWith('/') ? target : `/${target}`, headers: [] },
        },
      ],
    },
  };
}
