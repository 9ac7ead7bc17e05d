import type { AuthorizationTest } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';
import { type IntentionPermission, readPermission } from './intention-permission.ts';

/** One element of `sources`. */
export interface IntentionSource {
  /** `shop/web`, `shop/*` or `*`. */
  readonly key: string;
  /** 2: one caller, 1: a namespace, 0: everybody. */
  readonly rank: 0 | 1 | 2;
  /** Who it is; nothing for everybody. */
  readonly who: readonly AuthorizationTest[];
  /** Without permissions. */
  readonly action: 'allow' | 'deny';
  /** In their order; undefined where the action alone decides. */
  readonly permissions: readonly IntentionPermission[] | undefined;
}

/**
 * Consul knows callers by the name of their service, which on Kubernetes is that of their ServiceAccount. `namespace`: of a name
 * without one. Undefined for who is not here.
 */
export function readSource(source: Fields, namespace: string, report: Report): IntentionSource | undefined {
  const name = source.text('name') ?? '';
  const said = source.text('namespace') || undefined;
  source.text('description');
  const foreign = foreignIn(source);
  const action = source.choice('action', ['allow', 'deny']);
  const permissions = source.has('permissions')
    ? source.objects('permissions').map(each => readPermission(each, report))
    : undefined;
  source.refuseRest();
  const wrong = (words: string): undefined => {
    report.error('field-invalid', source.path, `${source.path}: ${words}`);
    return undefined;
  };
  if (name === '') return wrong("the caller's name is missing; write it, or * for everybody");
  if (name !== '*' && said === '*')
    return wrong("namespace '*' goes with the name '*' alone; name the namespace");
  if ((action === undefined) === (permissions === undefined))
    return wrong('either action (allow or deny) or permissions is needed, and not both');
  if (foreign !== undefined) {
    const words = `${foreign} names callers that this mesh does not know; nobody is meant by it here`;
    report.warn('policy-ignored', source.path, `${source.path}: ${words}`);
    return undefined;
  }
  const rest = { action: action ?? 'deny', permissions };
  if (name !== '*') {
    const key = `${said ?? namespace}/${name}`;
    return {
      key,
      rank: 2,
      who: [{ of: 'service-account', values: [{ kind: 'exact', value: key }] }],
      ...rest,
    };
  }
  if (said === undefined || said === '*') return { key: '*', rank: 0, who: [], ...rest };
  return {
    key: `${said}/*`,
    rank: 1,
    who: [{ of: 'namespace', values: [{ kind: 'exact', value: said }] }],
    ...rest,
  };
}

/** What names callers of elsewhere. */
function foreignIn(source: Fields): string | undefined {
  const peer = source.text('peer');
  const group = source.text('samenessGroup');
  const partition = source.text('partition');
  if (peer) return `peer ${peer}`;
  if (group) return `samenessGroup ${group}`;
  return partition && partition !== 'default' ? `partition ${partition}` : undefined;
}
