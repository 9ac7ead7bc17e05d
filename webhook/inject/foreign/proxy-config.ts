// `proxy.istio.io/config`: a ProxyConfig of Istio's, as YAML in an annotation.
import { parse } from 'yaml';
import { ANNOTATIONS } from '../../../src/config/index.ts';
import { isMap } from '../pod.ts';
import { interceptionMode, type Meaning } from './table.ts';
import type { Read } from './values.ts';

/** What of it is obeyed; the rest is named as ignored. */
export function readProxyConfig(text: string): Read<Meaning> {
  let config: unknown;
  try {
    config = parse(text, { version: '1.1' }) ?? {};
  } catch (error) {
    return { wrong: `is no YAML: ${String(error instanceof Error ? error.message : error).split('\n')[0]}` };
  }
  if (!isMap(config))
    return { wrong: 'is no map of settings; write for example holdApplicationUntilProxyStarts: true' };
  const meanings: Meaning[] = [];
  const ignored: string[] = [];
  for (const [field, value] of Object.entries(config)) {
    const read = Object.hasOwn(fields, field) ? fields[field]!(value) : undefined;
    if (read === undefined) ignored.push(field);
    else if ('wrong' in read) return { wrong: `${field}: ${read.wrong}` };
    else meanings.push(read.value);
  }
  return {
    value: {
      annotations: Object.assign({}, ...meanings.map(each => each.annotations)) as Record<string, string>,
      options: Object.assign({}, ...meanings.map(each => each.options)) as NonNullable<Meaning['options']>,
      ignored: ignored.map(field => `${field} has no counterpart`),
    },
  };
}

const fields: Readonly<Record<string, (value: unknown) => Read<Meaning>>> = {
  holdApplicationUntilProxyStarts: value =>
    typeof value === 'boolean'
      ? { value: { options: { holdApplicationUntilProxyStarts: value } } }
      : { wrong: 'is neither true nor false' },
  concurrency: value => {
    // 0 is every core of the node for Istio; Weft's own default is what comes nearest to no wish.
    if (value === 0) return { value: {} };
    if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 64)
      return { value: { annotations: { [ANNOTATIONS.concurrency]: String(value) } } };
    return { wrong: 'is no number of cores from 0 to 64' };
  },
  interceptionMode: value => interceptionMode(String(value)),
};
