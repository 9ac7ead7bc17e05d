import type { Head } from '../../http/index.ts';
import type { EdgePolicy } from '../../model/index.ts';
import { type Instead, PASS, type RequestFilter } from '../filters/filter.interface.ts';

/** Of a name that is told: it is the client's own. */
const toldLength = 64;

/** A request one of whose fields is longer than its route takes is answered 431 (RFC 6585 section 5), which names the field. */
export function fieldSizesFilter({ fields }: EdgePolicy): RequestFilter | undefined {
  if (fields === undefined) return undefined;
  const { maxNameBytes = Number.POSITIVE_INFINITY, maxValueBytes = Number.POSITIVE_INFINITY } = fields;
  return {
    judge({ head }) {
      for (let i = 0; i < head.count; i++) {
        if (head.nameEnd(i) - head.nameStart(i) > maxNameBytes)
          return tooLong(head, i, `has a name of more than ${maxNameBytes} bytes`);
        if (head.valueEnd(i) - head.valueStart(i) > maxValueBytes)
          return tooLong(head, i, `has more than ${maxValueBytes} bytes`);
      }
      return PASS;
    },
  };
}

function tooLong(head: Head, index: number, what: string): Instead {
  const detail = `its field ${head.name(index).slice(0, toldLength)} ${what}`;
  return {
    reply: {
      status: 431,
      contentType: 'text/plain; charset=utf-8',
      body: `weft: ${detail}\n`,
      fields: [],
      close: false,
    },
    flag: '',
    detail,
  };
}
