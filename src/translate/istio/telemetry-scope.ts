import type { TelemetryMode } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { some } from '../given.ts';

const modes: Readonly<Record<string, TelemetryMode>> = {
  CLIENT_AND_SERVER: 'both',
  CLIENT: 'client',
  SERVER: 'server',
};

/** The mode of a section's match; its other fields are for whoever calls. */
export function readMode(match: Fields | undefined): TelemetryMode {
  return modes[match?.choice('mode', Object.keys(modes)) ?? 'CLIENT_AND_SERVER']!;
}

/** Names of providers; undefined where there are none. */
export function readProviders(section: Fields): readonly string[] | undefined {
  const names = section.objects('providers').flatMap(each => {
    const name = each.text('name');
    each.rest();
    return name ?? [];
  });
  return some(names);
}
