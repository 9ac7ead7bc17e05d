import { errorMessage } from '../errors/index.ts';
import type { JsonFormatFields } from './format.ts';
import { parseFormat } from './parse.ts';

/** Why a format string cannot be used, for its author; undefined where it can. */
export function formatFault(format: string): string | undefined {
  try {
    parseFormat(format);
    return undefined;
  } catch (thrown) {
    return errorMessage(thrown);
  }
}

/** The same of fields: with the name of the one that is wrong before it. */
export function jsonFormatFault(fields: JsonFormatFields, path = ''): string | undefined {
  for (const [name, said] of Object.entries(fields)) {
    const at = path === '' ? name : `${path}.${name}`;
    const fault = typeof said === 'string' ? formatFault(said) : jsonFormatFault(said, at);
    if (fault !== undefined) return typeof said === 'string' ? `${at}: ${fault}` : fault;
  }
  return undefined;
}
