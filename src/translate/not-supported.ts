import type { KindTranslator } from './dialect.ts';

/** A kind whose objects have no effect, with the reason and what to do instead. */
export function notSupported(kind: string, reason: string): KindTranslator {
  return {
    kind,
    translate(_object, _context, report) {
      report.error('kind-not-supported', '', `${kind.split('.')[0]} is not supported yet: ${reason}`);
      return [];
    },
  };
}
