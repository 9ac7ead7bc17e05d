// An AuthorizationPolicy as the configuration of Envoy's RBAC filter, after Istio's golden files (testdata of its authz/builder);
// written apart from src/, so that the two can be compared.

/** Fields of one source or operation. */
export type Fields = Readonly<Record<string, readonly string[]>>;

export interface Condition {
  readonly key: string;
  readonly values?: readonly string[];
  readonly notValues?: readonly string[];
}

export interface Rule {
  readonly from?: readonly { readonly source: Fields }[];
  readonly to?: readonly { readonly operation: Fields }[];
  readonly when?: readonly Condition[];
}

export interface Spec {
  readonly action: 'ALLOW' | 'DENY';
  readonly rules: readonly Rule[];
}

type Config = Readonly<Record<string, unknown>>;

const quoted = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const regex = (pattern: string): Config => ({ safe_regex: { regex: pattern } });

function text(value: string, ignoreCase = false): Config {
  const more = ignoreCase ? { ignore_case: true } : {};
  if (value === '*') return regex('.+');
  if (value.startsWith('*')) return { suffix: value.slice(1), ...more };
  if (value.endsWith('*')) return { prefix: value.slice(0, -1), ...more };
  return { exact: value, ...more };
}

const header = (name: string, value: string, ignoreCase = false): Config =>
  value === '*'
    ? { header: { name, present_match: true } }
    : { header: { name, string_match: text(value, ignoreCase) } };

const authenticated = (name: Config): Config => ({ authenticated: { principal_name: name } });

function principal(value: string): Config {
  if (value === '*') return authenticated(regex('.+'));
  if (value.startsWith('*')) return authenticated(regex(`spiffe://.*${quoted(value.slice(1))}`));
  return authenticated(text(`spiffe://${value}`));
}

const wild = (value: string, any: string): string => value.split('*').map(quoted).join(any);

function range(value: string): Config {
  const [address, length] = value.split('/');
  return { address_prefix: address, prefix_len: Number(length ?? (address!.includes(':') ? 128 : 32)) };
}

function path(value: string): Config {
  if (!value.includes('{')) return { url_path: { path: text(value) } };
  const template = value.replaceAll('{**}', '**').replaceAll('{*}', '*');
  return {
    uri_template: {
      name: 'uri-template',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
        path_template: template,
      },
    },
  };
}

/** Of whom: `principals` of RBAC. */
const ofSource: Readonly<Record<string, (value: string) => Config>> = {
  principals: principal,
  namespaces: value => authenticated(regex(`.*/ns/${wild(value, '.*')}/.*`)),
  serviceAccounts: value => {
    const [namespace = '', name = ''] = value.split('/');
    return authenticated(regex(`spiffe://.+/ns/${quoted(namespace)}/(.+/|)sa/${quoted(name)}(/.+)?`));
  },
  trustDomains: value => authenticated(regex(`spiffe://${wild(value, '[^/]*')}/.*`)),
  ipBlocks: value => ({ direct_remote_ip: range(value) }),
  remoteIpBlocks: value => ({ remote_ip: range(value) }),
};

/** Of what: `permissions`. */
const ofOperation: Readonly<Record<string, (value: string) => Config>> = {
  hosts: value => header(':authority', value, true),
  ports: value => ({ destination_port: Number(value) }),
  methods: value => header(':method', value),
  paths: path,
};

const conditionSources: Readonly<Record<string, string>> = {
  'source.ip': 'ipBlocks',
  'remote.ip': 'remoteIpBlocks',
  'source.namespace': 'namespaces',
  'source.principal': 'principals',
  'source.serviceAccount': 'serviceAccounts',
  'source.trustDomain': 'trustDomains',
};

const join = (kind: 'ids' | 'rules', how: 'and' | 'or', list: readonly Config[]): Config =>
  list.length === 1 ? list[0]! : { [`${how}_${kind}`]: { [kind]: list } };

function fields(piece: Fields, kind: 'ids' | 'rules', known: typeof ofSource): Config {
  const tests = Object.entries(piece).map(([field, values]) => {
    const not = field.startsWith('not');
    const name = not ? field[3]!.toLowerCase() + field.slice(4) : field;
    const either = join(
      kind,
      'or',
      values.map(value => known[name]!(value)),
    );
    return not ? { [kind === 'ids' ? 'not_id' : 'not_rule']: either } : either;
  });
  return join(kind, 'and', tests);
}

function condition({ key, values = [], notValues = [] }: Condition): { ids: Config[]; rules: Config[] } {
  const isOperation = key.startsWith('destination.');
  const kind = isOperation ? 'rules' : 'ids';
  const [, name] = /^request\.headers\[(.*)\]$/.exec(key) ?? [];
  const of = (value: string): Config => {
    if (name !== undefined) return header(name, value);
    if (key === 'destination.ip') return { destination_ip: range(value) };
    if (key === 'destination.port') return { destination_port: Number(value) };
    return ofSource[conditionSources[key]!]!(value);
  };
  const tests: Config[] = [];
  if (values.length > 0) tests.push(join(kind, 'or', values.map(of)));
  if (notValues.length > 0)
    tests.push({ [isOperation ? 'not_rule' : 'not_id']: join(kind, 'or', notValues.map(of)) });
  return isOperation ? { ids: [], rules: tests } : { ids: tests, rules: [] };
}

/** `rules` of the filter. */
export function rbacOf({ action, rules }: Spec): Config {
  const policies = rules.map(({ from = [], to = [], when = [] }, index) => {
    const conditions = when.map(condition);
    const ids = conditions.flatMap(each => each.ids);
    const permissions = conditions.flatMap(each => each.rules);
    if (from.length > 0)
      ids.unshift(
        join(
          'ids',
          'or',
          from.map(({ source }) => fields(source, 'ids', ofSource)),
        ),
      );
    if (to.length > 0)
      permissions.unshift(
        join(
          'rules',
          'or',
          to.map(({ operation }) => fields(operation, 'rules', ofOperation)),
        ),
      );
    return [
      `rule-${index}`,
      {
        principals: [ids.length === 0 ? { any: true } : join('ids', 'and', ids)],
        permissions: [permissions.length === 0 ? { any: true } : join('rules', 'and', permissions)],
      },
    ];
  });
  return { action, policies: Object.fromEntries(policies) };
}
