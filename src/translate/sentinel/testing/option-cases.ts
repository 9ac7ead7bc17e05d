// Each option of the dialect in a file of its own: where a block stands, with what must stand beside it, and a value for it.
import type { BlockSchema, OptionSchema, ValueType } from '../../../kdl/index.ts';

/** An option, in a file. */
export interface OptionCase {
  /** As docs/policies/sentinel.md has it. */
  readonly path: string;
  readonly option: OptionSchema;
  /** The file with the option, and without. */
  readonly text: string;
  readonly without: string;
}

/** `body`, with each of `beside` that it does not say itself. */
const beside = (body: string, ...others: readonly string[]): string =>
  [...others.filter(each => each.split(' ')[0] !== body.split(' ')[0]), body].join('; ');
const upstream = (body = '') => `upstream "u" { target "10.0.0.1:80"; ${body} }\n`;
const route = (body = '') => `route "r" { matches { path-prefix "/p" }; upstream "u"; ${body} }\n`;
const listener = (body = '') => `listener "l" { ${beside(body, 'address "0.0.0.0:80"')} }\n`;
const tls = (body: string) =>
  listener(`protocol "https"; tls { ${beside(body, 'cert-file "c"', 'key-file "k"', 'ca-file "ca"')} }`);
const acme = (body: string) => tls(`acme { domains "a.test"; ${body} }`);
const discovery = (body: string) => `upstream "u" { discovery ${body} }\n`;
const filter = (type: string) => (body: string) => `filter "f" { type "${type}"; ${body} }\n`;
const whole = (part: string): string =>
  [
    part,
    part.startsWith('listener') ? '' : listener(),
    part.startsWith('upstream "u"') ? '' : upstream(),
    part.startsWith('route "r"') ? '' : route(part.startsWith('filter') ? 'filters "f"' : ''),
  ].join('');

/** By the path of a block: what stands around an option in it. */
const places: Readonly<Record<string, (option: string) => string>> = {
  '': option => `${option}\n`,
  system: option => `system { ${option} }\n`,
  'listeners listener': listener,
  'listeners listener tls': tls,
  'listeners listener tls sni': option => tls(`sni { ${beside(option, 'cert-file "c2"', 'key-file "k2"')} }`),
  'listeners listener tls sni acme': acme,
  'listeners listener tls sni acme eab': option =>
    acme(`eab { ${beside(option, 'kid "k"', 'hmac-key "h"')} }`),
  'listeners listener tls sni acme dns-provider': option =>
    acme(`challenge-type "dns-01"; dns-provider { ${beside(option, 'type "webhook"', 'url "http://x"')} }`),
  'listeners listener tls sni-certs': option =>
    tls(
      `sni-certs { ${option.startsWith('reload-interval') ? 'reload-mode "interval"; ' : ''} ${beside(option, 'cert-folder "d"')} }`,
    ),
  'routes route': route,
  'routes route matches': option => `route "r" { matches { ${option} }; upstream "u" }\n`,
  'routes route matches header': option =>
    `route "r" { matches { header { ${beside(option, 'name "n"')} } }; upstream "u" }\n`,
  'routes route policies': option => route(`policies { ${option} }`),
  'routes route policies request-headers': option => route(`policies { request-headers { ${option} } }`),
  'routes route policies rate-limit': option =>
    route(`policies { rate-limit { ${beside(option, 'requests-per-second 3')} } }`),
  'routes route retry-policy': option => route(`retry-policy { ${option} }`),
  'routes route shadow': option => route(`shadow { ${beside(option, 'upstream "u"')} }`),
  'routes route shadow sample-header': option =>
    route(`shadow { upstream "u"; sample-header { ${beside(option, 'name "n"', 'value "v"')} } }`),
  'routes route circuit-breaker': option => route(`circuit-breaker { ${option} }`),
  'routes route error-pages': option => route(`error-pages { ${option} }`),
  'routes route error-pages pages 400': option => route(`error-pages { pages { "400" { ${option} } } }`),
  'routes route static-files': option =>
    `route "r" { matches { path-prefix "/p" }; static-files { ${beside(option, 'root "/r"')} } }\n`,
  'upstreams upstream': option => upstream(option),
  'upstreams upstream target': option =>
    `upstream "u" { target { ${beside(option, 'address "10.0.0.1:80"')} } }\n`,
  'upstreams upstream targets': option => `upstream "u" { targets { ${option} } }\n`,
  'upstreams upstream discovery "static"': option => discovery(`"static" { ${option} }`),
  'upstreams upstream discovery "dns"': option =>
    discovery(`"dns" { ${beside(option, 'hostname "h"', 'port 80')} }`),
  'upstreams upstream discovery "dns-srv"': option =>
    discovery(`"dns-srv" { ${beside(option, 'service "s"')} }`),
  'upstreams upstream discovery "consul"': option =>
    discovery(`"consul" { ${beside(option, 'address "http://c:8500"', 'service "s"')} }`),
  'upstreams upstream discovery "kubernetes"': option =>
    discovery(`"kubernetes" { ${beside(option, 'namespace "n"', 'service "s"')} }`),
  'upstreams upstream discovery "file"': option => discovery(`"file" { ${beside(option, 'path "p"')} }`),
  'upstreams upstream load-balancing': option => upstream(`load-balancing "sticky" { ${option} }`),
  'upstreams upstream health-check': option => upstream(`health-check { ${option} }`),
  'upstreams upstream health-check type "http"': option =>
    upstream(`health-check { type "http" { ${option} } }`),
  'upstreams upstream health-check type "grpc"': option =>
    upstream(`health-check { type "grpc" { ${option} } }`),
  'upstreams upstream connection-pool': option => upstream(`connection-pool { ${option} }`),
  'upstreams upstream timeouts': option => upstream(`timeouts { ${option} }`),
  'upstreams upstream circuit-breaker': option => upstream(`circuit-breaker { ${option} }`),
  'upstreams upstream tls': option =>
    upstream(`tls { ${beside(option, 'client-cert "c"', 'client-key "k"')} }`),
  'upstreams upstream http-version': option => upstream(`http-version { ${option} }`),
  'filters filter (type "rate-limit")': option =>
    filter('rate-limit')(option.startsWith('max-delay') ? `on-limit "delay"; burst 9000; ${option}` : option),
  'filters filter (type "headers")': option => filter('headers')(`set { X-A "1" }; ${option}`),
  'filters filter (type "cors")': filter('cors'),
  'filters filter (type "compress")': filter('compress'),
  'filters filter (type "timeout")': filter('timeout'),
  'filters filter (type "redirect")': filter('redirect'),
  'filters filter (type "url-rewrite")': filter('url-rewrite'),
  limits: option => `limits { ${option} }\n`,
  'rate-limits': option => `rate-limits { ${beside(option, 'default-rps 3')} }\n`,
  'rate-limits global': option => `rate-limits { global { ${beside(option, 'max-rps 3')} } }\n`,
  observability: option => `observability { ${option} }\n`,
  'observability metrics': option => `observability { metrics { ${option} } }\n`,
  'observability logging': option => `observability { logging { ${option} } }\n`,
  'observability logging access-log': option => `observability { logging { access-log { ${option} } } }\n`,
  'observability tracing backend "otlp"': option =>
    `observability { tracing { backend "otlp" { ${beside(option, 'endpoint "http://x"')} } } }\n`,
  'observability tracing': option =>
    `observability { tracing { backend "otlp" { endpoint "http://x" }; ${option} } }\n`,
};

/** Values for options whose type says too little of what makes sense there. */
const values: Readonly<Record<string, string>> = {
  path: '"/x"',
  'path-prefix': '"/x"',
  'path-regex': '"^/x"',
  'replace-full-path': '"/x"',
  'replace-prefix-match': '"/x"',
  domains: '"b.test"',
  'server-url': '"https://x/"',
  'challenge-type': '"tls-alpn-01"',
  'cipher-suite': '"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"',
  backends: '"10.0.0.2:80"',
  algorithms: '"zstd"',
  'expected-status': '204',
  remove: '"x-gone"',
  'retryable-status-codes': '503',
  'status-code': '409',
  'service-type': '"api"',
  format: '"html"',
  index: '"home.html"',
  'load-balancing': '"random"',
  protocol: '"h2"',
  'min-version': '2',
  'max-version': '1',
};

/** Values by the whole path, where one of the name is not enough. */
const valuesAt: Readonly<Record<string, string>> = {
  'listeners listener tls min-version': '"1.3"',
  'listeners listener tls max-version': '"1.2"',
  'observability metrics address': '"127.0.0.1:9091"',
  'upstreams upstream address': '"10.0.0.3:80"',
  'upstreams upstream target address': '"10.0.0.3:80"',
  'upstreams upstream discovery "consul" address': '"http://d:8500"',
  'routes route priority': '"high"',
  'listeners listener address': '"0.0.0.0:81"',
  'listeners listener tls sni-certs reload-mode': '"off"',
  'routes route policies rate-limit key': '"route"',
  'filters filter (type "redirect") status-code': '301',
};

/** Every option that has a value, in a block that `places` knows. `seen`: blocks whose options stand elsewhere, too. */
export function optionCases(root: BlockSchema): readonly OptionCase[] {
  const cases: OptionCase[] = [];
  walk(root, '', cases, new Set());
  return cases;
}

/** Blocks that `places` has no place for. */
export function placeless(root: BlockSchema): readonly string[] {
  const missing: string[] = [];
  walk(root, '', [], new Set(), missing);
  return missing;
}

function walk(
  schema: BlockSchema,
  path: string,
  cases: OptionCase[],
  seen: Set<BlockSchema>,
  missing?: string[],
): void {
  if (seen.has(schema)) return;
  seen.add(schema);
  const place = places[path];
  const inside = (name: string): string => (path === '' ? name : `${path} ${name}`);
  for (const [name, option] of Object.entries(schema.options)) {
    const at = inside(name);
    const value = option.mark !== undefined && option.type === undefined ? '{ }' : valueFor(at, name, option);
    if (value !== undefined && place)
      cases.push({ path: at, option, text: whole(place(`${name} ${value}`)), without: whole(place('')) });
    else if (value !== undefined) missing?.push(at);
    if (option.block) walk(option.block, at, cases, seen, missing);
    for (const [variant, block] of Object.entries(option.variants ?? {}))
      walk(block, `${at} "${variant}"`, cases, seen, missing);
  }
  for (const [variant, block] of Object.entries(schema.by?.variants ?? {}))
    walk(block, inside(`(${schema.by!.option} "${variant}")`), cases, seen, missing);
}

function valueFor(path: string, name: string, { type, fallback }: OptionSchema): string | undefined {
  if (type === undefined) return undefined;
  return valuesAt[path] ?? values[name] ?? sample(type, fallback);
}

/** The first that the type takes and that is not what holds anyway. */
function sample(type: ValueType, fallback: unknown): string {
  const words = type.words
    .split(/, | or /)
    .filter(word => !word.includes('"'))
    .map(word => `"${word}"`);
  const candidates = [...words, '#true', '#false', '7', '307', '0.5', '1', '"x"'];
  const read = (each: string) =>
    type.read(each === '#true' ? true : each === '#false' ? false : (JSON.parse(each) as string | number));
  return candidates.find(each => read(each) !== undefined && read(each) !== fallback) ?? '"x"';
}
