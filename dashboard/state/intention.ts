// Who may call whom, as the form says it, and the object that says the same to the mesh. Pure.

/** What may be asked of a request. */
export interface IntentionPermission {
  readonly action: 'allow' | 'deny';
  /** What paths begin with; '' for all. */
  readonly path: string;
  /** `GET, POST`; '' for all. */
  readonly methods: string;
}

/** What the form holds. */
export interface Intention {
  /** `namespace/service-account`, `namespace/*`, or `*`. */
  readonly source: string;
  /** `namespace/service` */
  readonly destination: string;
  /** `aware`: by permissions, of which the first that holds decides. */
  readonly action: 'allow' | 'deny' | 'aware';
  readonly permissions: readonly IntentionPermission[];
  readonly description: string;
  readonly dialect: 'istio' | 'consul';
}

export const EMPTY_INTENTION: Intention = {
  ...{ source: '', destination: '', action: 'allow', description: '', dialect: 'istio' },
  permissions: [{ action: 'allow', path: '/', methods: '' }],
};

const name = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** What is missing or wrong, with what to write; undefined where nothing is. */
export function faultOf({
  source,
  destination,
  action,
  permissions,
  dialect,
}: Intention): string | undefined {
  const [sourceNamespace = '', sourceName = '', ...more] = source === '*' ? ['a', '*'] : source.split('/');
  if (!name.test(sourceNamespace) || (sourceName !== '*' && !name.test(sourceName)) || more.length > 0)
    return 'Source: write namespace/service-account, namespace/* or *';
  const [namespace = '', service = '', ...rest] = destination.split('/');
  if (!name.test(namespace) || !name.test(service) || rest.length > 0)
    return 'Destination: write namespace/service';
  if (action !== 'aware') return undefined;
  if (permissions.length === 0) return 'Add a permission, or choose Allow or Deny';
  const path = permissions.find(each => each.path !== '' && !each.path.startsWith('/'));
  if (path !== undefined) return `Path ${path.path}: it begins with /`;
  const method = permissions.flatMap(methodsOf).find(each => !/^[A-Z]+$/.test(each));
  if (method !== undefined) return `Method ${method}: write GET, POST`;
  const all = permissions.find(each => each.path === '' && methodsOf(each).length === 0);
  if (all?.action === 'deny' && dialect === 'istio' && permissions.length > 1)
    return 'A denial of everything leaves nothing to allow in an AuthorizationPolicy, where denials go first';
  return undefined;
}

/** What may be worth knowing of how it is written. */
export function noteOf({ action, permissions, dialect }: Intention): string | undefined {
  const mixed = new Set(permissions.map(each => each.action)).size > 1;
  if (action === 'aware' && mixed && dialect === 'istio')
    return 'Written as two policies: denials go before what is allowed, whatever their order here.';
  if (action === 'deny') return undefined;
  return 'Whoever no policy allows is refused as soon as this one holds for the Service.';
}

/** The objects, as YAML. Only of what has no fault. */
export function yamlOf(intention: Intention): string {
  const objects = intention.dialect === 'consul' ? [serviceIntentions(intention)] : policies(intention);
  return objects.map(each => `${lines(each, '').join('\n')}\n`).join('---\n');
}

type Tree = string | readonly Tree[] | { readonly [name: string]: Tree | undefined };

function serviceIntentions({ source, destination, action, permissions, description }: Intention): Tree {
  const [namespace = '', service = ''] = destination.split('/');
  const caller: { readonly [name: string]: Tree } =
    source === '*' ? { name: '*' } : { name: source.split('/')[1]!, namespace: source.split('/')[0]! };
  const decides: { readonly [name: string]: Tree } =
    action === 'aware' ? { permissions: permissions.map(permissionOf) } : { action };
  const told: { readonly [name: string]: Tree } = description === '' ? {} : { description };
  return {
    apiVersion: 'consul.hashicorp.com/v1alpha1',
    kind: 'ServiceIntentions',
    metadata: { name: nameOf(source, service), namespace },
    spec: {
      destination: { name: service },
      sources: [{ ...caller, ...decides, ...told }],
    },
  };
}

function permissionOf(permission: IntentionPermission): Tree {
  const methods = methodsOf(permission);
  const http = {
    ...(permission.path !== '' && { pathPrefix: permission.path }),
    ...(methods.length > 0 && { methods }),
  };
  return { action: permission.action, ...(Object.keys(http).length > 0 && { http }) };
}

function policies(intention: Intention): readonly Tree[] {
  const { action, permissions } = intention;
  if (action !== 'aware') return [policy(intention, action, '', undefined)];
  return (['deny', 'allow'] as const).flatMap(each => {
    const own = permissions.filter(permission => permission.action === each);
    return own.length === 0 ? [] : [policy(intention, each, `-${each}`, own)];
  });
}

function policy(
  { source, destination, description }: Intention,
  action: 'allow' | 'deny',
  suffix: string,
  permissions: readonly IntentionPermission[] | undefined,
): Tree {
  const [namespace = '', service = ''] = destination.split('/');
  const from = fromOf(source, action);
  const to = (permissions ?? []).map(operationOf);
  const rule = {
    ...(from && { from: [{ source: from }] }),
    // One that asks for nothing is for everything.
    ...(to.length > 0 && to.every(each => each !== undefined) && { to: to as readonly Tree[] }),
  };
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: {
      ...{ name: `${nameOf(source, service)}${suffix}`, namespace },
      ...(description !== '' && { annotations: { 'weft.dev/description': description } }),
    },
    spec: {
      targetRefs: [{ group: '', kind: 'Service', name: service }],
      action: action.toUpperCase(),
      rules: [rule],
    },
  };
}

/** Callers by what their certificate says, whatever the trust domain is called. */
function fromOf(source: string, action: 'allow' | 'deny'): Tree | undefined {
  if (source === '*') return action === 'allow' ? { principals: ['*'] } : undefined;
  const [namespace = '', account = ''] = source.split('/');
  return account === '*' ? { namespaces: [namespace] } : { principals: [`*/ns/${namespace}/sa/${account}`] };
}

function operationOf(permission: IntentionPermission): Tree | undefined {
  const methods = methodsOf(permission);
  if (permission.path === '' && methods.length === 0) return undefined;
  const operation = {
    ...(permission.path !== '' && { paths: [`${permission.path}*`] }),
    ...(methods.length > 0 && { methods }),
  };
  return { operation };
}

function methodsOf({ methods }: IntentionPermission): readonly string[] {
  return methods
    .split(/[\s,]+/)
    .filter(each => each !== '')
    .map(each => each.toUpperCase());
}

function nameOf(source: string, service: string): string {
  const caller = source === '*' ? 'all' : source.replace('/*', '').replace('/', '-');
  return `${service}-from-${caller}`.slice(0, 200);
}

/** YAML of a tree in block style, indented by `by`. */
function lines(tree: Tree, by: string): readonly string[] {
  if (typeof tree === 'string') return [`${by}${scalar(tree)}`];
  if (Array.isArray(tree)) {
    if (tree.length === 0) return [`${by}[]`];
    return (tree as readonly Tree[]).flatMap(each => {
      const [first = '', ...rest] = lines(each, `${by}  `);
      return [`${by}- ${first.slice(by.length + 2)}`, ...rest];
    });
  }
  const entries = Object.entries(tree).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value as Tree] as const],
  );
  if (entries.length === 0) return [`${by}{}`];
  return entries.flatMap(([key, value]) => {
    if (typeof value === 'string') return [`${by}${key}: ${scalar(value)}`];
    const inner = lines(value, `${by}  `);
    const isEmpty = inner.length === 1 && /^\s*(\[\]|\{\})$/.test(inner[0]!);
    return isEmpty ? [`${by}${key}: ${inner[0]!.trim()}`] : [`${by}${key}:`, ...inner];
  });
}

/** In quotes where YAML would take it for something else. */
function scalar(text: string): string {
  const isPlain = /^[A-Za-z][\w./-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}
