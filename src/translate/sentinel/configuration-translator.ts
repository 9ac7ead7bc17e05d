import { formatPosition } from '../../kdl/index.ts';
import type { KindTranslator } from '../dialect.ts';
import type { Part } from '../part.ts';
import type { SentinelFiles } from './files.ts';
import { gatewayParts, issuerParts } from './gateway-parts.ts';
import { SENTINEL_KINDS } from './objects.ts';
import { readSentinelFiles } from './read.ts';
import { routeParts } from './route-tables.ts';
import { upstreamParts } from './upstream-parts.ts';

/** A file of the dialect: one gateway with all that it leads to. A file with an error changes nothing. */
export const configurationTranslator: KindTranslator = {
  kind: SENTINEL_KINDS.configuration,
  translate({ metadata, spec }, _context, report): readonly Part[] {
    // Made by configurationObject, in this process.
    const { configuration, problems } = readSentinelFiles(spec as SentinelFiles);
    for (const { severity, code, at, message } of problems) {
      if (severity === 'error') report.error(code, formatPosition(at), message);
      else report.warn(code, formatPosition(at), message);
    }
    if (configuration === undefined) return [];
    const place = { namespace: metadata.namespace ?? '', from: report.object };
    return [
      gatewayParts(configuration, place),
      ...issuerParts(configuration, place),
      ...upstreamParts(configuration, place),
      ...routeParts(configuration, place),
    ];
  },
};
