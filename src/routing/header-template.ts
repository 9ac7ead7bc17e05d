import { WeftError } from '../errors/index.ts';
import { byteText } from './byte-text.ts';

/** What variables in header values stand for, asked for one request. */
export interface VariableSource {
  /** A request header by its lowercase name; '' when it is absent. */
  requestHeader(name: string): string;
  /** The client's address, with its port; ''. */
  readonly downstream: string;
  /** The cluster that was chosen; '' before. */
  readonly clusterName: string;
  readonly protocol: string;
}

type Part = string | ((source: VariableSource) => string);

/** `%NAME%` or `%NAME(argument)%`. A percent sign in any other place is itself; two stand for one. */
const operator = /%%|%([A-Z][A-Z_0-9]*)(?:\(([^()]*)\))?(?::(\d+))?%/g;

/**
 * A header value, or text made of parts where it has variables. These few of Envoy's command operators are understood, the ones
 * that people put into VirtualServices: REQ(name), REQ(name?other), DOWNSTREAM_REMOTE_ADDRESS,
 * DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT, UPSTREAM_CLUSTER, PROTOCOL; `:n` cuts after n characters. Throws a WeftError for any
 * other: sent as it stands it would only puzzle the receiver.
 */
export function headerTemplate(value: string): string | ((source: VariableSource) => string) {
  const parts: Part[] = [];
  let from = 0;
  for (const match of value.matchAll(operator)) {
    const [whole, name, argument = '', length] = match;
    parts.push(value.slice(from, match.index));
    parts.push(name === undefined ? '%' : cut(variable(whole, name, argument), length));
    from = match.index + whole.length;
  }
  parts.push(value.slice(from));
  if (parts.every(part => typeof part === 'string')) return parts.join('');
  // Variables are bytes read as latin1, and the line is written as that: UTF-8 between them has to be bytes too.
  const bytes = parts.map(part => (typeof part === 'string' ? byteText(part) : part));
  return source => bytes.map(part => (typeof part === 'string' ? part : part(source))).join('');
}

function variable(
  whole: string,
  name: string,
  argument: string,
): Exclude<ReturnType<typeof headerTemplate>, string> {
  switch (name) {
    case 'REQ': {
      const [first, second = ''] = argument.toLowerCase().split('?');
      return source => source.requestHeader(first!) || (second === '' ? '' : source.requestHeader(second));
    }
    case 'DOWNSTREAM_REMOTE_ADDRESS':
      return source => source.downstream;
    case 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT':
      return source => source.downstream.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    case 'UPSTREAM_CLUSTER':
      return source => source.clusterName;
    case 'PROTOCOL':
      return source => source.protocol;
    default:
      throw new WeftError(
        'unknown-variable',
        `${whole} in a header value is no variable that Weft knows; write %% for a percent sign, or use REQ, DOWNSTREAM_REMOTE_ADDRESS, UPSTREAM_CLUSTER, PROTOCOL`,
        { source: 'config' },
      );
  }
}

function cut(
  part: Exclude<ReturnType<typeof headerTemplate>, string>,
  length: string | undefined,
): Exclude<ReturnType<typeof headerTemplate>, string> {
  return length === undefined ? part : source => part(source).slice(0, Number(length));
}
