import { UNTOUCHABLE_HEADERS } from '../model/index.ts';

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Why a policy cannot edit the header of this name; undefined where it can. */
export function headerNameProblem(name: string): string | undefined {
  if (!token.test(name)) return 'is no name of a header';
  if (UNTOUCHABLE_HEADERS.has(name.toLowerCase()))
    return 'is decided about by the proxy itself and cannot be edited';
  return undefined;
}
