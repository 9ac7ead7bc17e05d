const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Those of one connection: a proxy decides about them (RFC 9110 section 7.6.1), or they say where a message ends. */
const untouchable: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-forwarded-client-cert',
]);

/** Why a policy cannot edit the header of this name; undefined where it can. */
export function headerNameProblem(name: string): string | undefined {
  if (!token.test(name)) return 'is no name of a header';
  if (untouchable.has(name.toLowerCase())) return 'is decided about by the proxy itself and cannot be edited';
  return undefined;
}
