// A route whose answers are files of a folder: static-files { … }.
import type { KdlReport, Section } from '../../kdl/index.ts';
import { given } from '../given.ts';
import type { RouteConfig, StaticFilesConfig } from './configuration.ts';
import { readField } from './header-edits.ts';

/** Undefined, with an error, where it cannot be. */
export function readStaticFiles(section: Section, report: KdlReport): StaticFilesConfig | undefined {
  if (section.flag('directory-listing') === true) {
    report.error(
      'kdl-refused',
      section.placeOf('directory-listing'),
      'directory-listing #true is not supported: what is in folders is not told; give them an index',
    );
    return undefined;
  }
  const types = section.sections('mime-types').flatMap(each => each.entries);
  const mimeTypes = types.flatMap(({ name, value, at }) => {
    const field = readField({ name: 'content-type', value, at }, report);
    return field ? [[name.replace(/^\./, ''), field[1]] as const] : [];
  });
  const caching = {
    name: 'cache-control',
    value: section.text('cache-control')!,
    at: section.placeOf('cache-control'),
  };
  return {
    root: section.text('root')!,
    at: section.at,
    index: section.text('index')!,
    cacheControl: readField(caching, report)?.[1] ?? '',
    mimeTypes: Object.fromEntries(mimeTypes),
    ...given({ fallback: section.text('fallback') }),
  };
}

/** Of files that say so, unless a filter says otherwise. */
export const FILES_COMPRESSION: NonNullable<RouteConfig['compression']> = {
  encodings: ['gzip', 'br'],
  minBytes: 1_024,
  types: [
    'text/html',
    'text/css',
    'text/plain',
    'text/javascript',
    'application/javascript',
    'application/json',
    'application/xml',
    'image/svg+xml',
    'application/wasm',
  ],
  level: 6,
};
