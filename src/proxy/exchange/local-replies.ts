// The one place where errors of Weft's own become HTTP answers.
import { type Flag, flagWords } from '../../errors/index.ts';
import type { LocalReply } from '../../http/index.ts';
import { UNTOUCHED_LINE } from './untouched.ts';

const statusOf: Partial<Record<Flag, number>> = {
  NR: 404,
  NC: 503,
  NFCF: 503,
  UH: 503,
  UF: 503,
  UC: 503,
  UR: 503,
  UO: 503,
  UPE: 502,
  DF: 503,
  UT: 504,
  DT: 504,
  SI: 504,
  RL: 429,
  UAEX: 403,
  DPE: 400,
  IH: 400,
  OM: 503,
};

/** With OM. */
export const OUT_OF_MEMORY =
  'it is short of memory and takes no new requests until that is over; raise weft.dev/proxy-memory-limit of this pod if it lasts';

/** The status that a flag is answered with. */
export function statusFor(flag: Flag): number {
  return statusOf[flag] ?? 503;
}

/**
 * An answer that says what happened: the flag as a header for machines (`x-weft-flag: UH`), the words as text for people. `detail` is
 * lowercase and may be ''. `untouched`: tells the caller's proxy that the app has not seen the request.
 */
export function localReply(flag: Flag, detail: string, untouched = false): LocalReply {
  const words = flagWords(flag);
  const body = `weft: ${words}${detail === '' ? '' : `: ${detail}`}\n`;
  return {
    status: statusFor(flag),
    contentType: 'text/plain; charset=utf-8',
    body,
    headers: `x-weft-flag: ${flag}\r\n${untouched ? UNTOUCHED_LINE : ''}${flag === 'UO' || flag === 'RL' || flag === 'OM' ? 'retry-after: 1\r\n' : ''}`,
    close: false,
  };
}
