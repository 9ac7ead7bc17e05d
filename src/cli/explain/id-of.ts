/** Where ids stand in lines of logs: in ours, in Envoy's and in those of apps. */
const named = /"?(?:requestId|request_id|x-request-id|X-REQUEST-ID|reqId)"?\s*[:=]\s*"?([\w.:/+=-]{1,128})/i;
const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/i;

/** The first id of a request in a text, as a field of its own or as a UUID; undefined where there is none. */
export function idIn(text: string): string | undefined {
  return named.exec(text)?.[1] ?? uuid.exec(text)?.[0];
}
