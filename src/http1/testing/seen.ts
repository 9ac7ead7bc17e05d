import type { Head } from '../../http/index.ts';

/** A message as a peer that has understood it sees it. */
export interface SeenMessage {
  readonly method: string;
  readonly target: string;
  readonly minor: number;
  readonly status: number;
  readonly reason: string;
  /** Name, value, name, value, as received; removed lines as well. */
  readonly headers: readonly string[];
  body: string;
  /** Trailer lines as they came, or ''. */
  trailers: string;
  complete: boolean;
}

/** The head as a message whose body is still to come. */
export function seenHead(head: Head): SeenMessage {
  const headers: string[] = [];
  for (let index = 0; index < head.count; index++) headers.push(head.name(index), head.text(index));
  return {
    method: head.status > 0 ? '' : head.methodText,
    target: head.status > 0 ? '' : head.targetText,
    minor: head.minor,
    status: head.status,
    reason: head.status > 0 ? head.bytes.toString('latin1', head.reasonStart, head.reasonEnd) : '',
    headers,
    body: '',
    trailers: '',
    complete: false,
  };
}
