// Variables of nginx in texts, as Weft's own operators in values of fields (routing/header-template.ts).

const operators: Readonly<Record<string, string>> = {
  host: '%REQ(:authority)%',
  http_host: '%REQ(:authority)%',
  best_http_host: '%REQ(:authority)%',
  request_uri: '%REQ(:path)%',
  request_method: '%REQ(:method)%',
  remote_addr: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  the_real_ip: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  request_id: '%REQ(x-request-id)%',
  req_id: '%REQ(x-request-id)%',
  server_protocol: '%PROTOCOL%',
};

/** The text with operators for its variables; `unknown` names the first variable that Weft has nothing for. */
export function withOperators(
  text: string,
  scheme?: 'http' | 'https',
): { readonly value: string } | { readonly unknown: string } {
  let unknown: string | undefined;
  const value = text
    .replaceAll('%', '%%')
    .replace(/\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g, (whole, braced?: string, bare?: string) => {
      const name = (braced ?? bare)!.toLowerCase();
      const known =
        operators[name] ?? (name === 'scheme' || name === 'pass_access_scheme' ? scheme : undefined);
      if (known !== undefined) return known;
      if (name.startsWith('http_') && name.length > 5) return `%REQ(${name.slice(5).replaceAll('_', '-')})%`;
      unknown ??= whole;
      return '';
    });
  return unknown === undefined ? { value } : { unknown };
}
