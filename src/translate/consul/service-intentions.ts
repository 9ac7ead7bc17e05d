import type { AuthorizationPolicy, AuthorizationRule, ObjectRef } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';
import { readJwt } from './intention-jwt.ts';
import { rulesOf } from './intention-rules.ts';
import { type IntentionSource, readSource } from './intention-source.ts';
import { ownService } from './service-name.ts';

/**
 * consul.hashicorp.com ServiceIntentions: who may call one Service, or with the name `*` any. The most precise source decides, as
 * in Consul (agent/structs/intention.go, precedence). What is not there is Consul's default, which no object says: where an entry
 * allows somebody, everybody else is refused, as with ACLs on.
 */
export const serviceIntentionsTranslator: KindTranslator = {
  kind: 'ServiceIntentions.consul.hashicorp.com',
  translate: translateIntentions,
  closed: closedIntentions,
};

/** Whose intentions they are. */
interface Destination {
  /** Undefined for the whole mesh. */
  readonly namespace: string | undefined;
  /** Undefined for every workload of it. */
  readonly service: string | undefined;
}

function translateIntentions(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  const { creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const destination = readDestination(object, spec, context, report);
  const jwt = readJwt(spec, report);
  const namespace = destination.namespace ?? object.metadata.namespace ?? '';
  const list = spec.objects('sources').flatMap(each => readSource(each, namespace, report) ?? []);
  spec.refuseRest();
  const sources = inOrder(list, spec, report);
  if (destination.service === undefined && sources.some(each => each.permissions !== undefined)) {
    const path = spec.at('sources');
    report.error(
      'field-invalid',
      path,
      `${path}: permissions need a destination with a name; write one entry for each`,
    );
  }
  if (report.refused) return [];
  const { allow, deny } = rulesOf(sources, destination.service === undefined, jwt?.alternatives);
  const permissions = sources.flatMap(each => each.permissions ?? []);
  const providers = [...new Set([...(jwt?.providers ?? []), ...permissions.flatMap(each => each.providers)])];
  const tokens: Part = {
    ...{ kind: 'policy', of: 'requestAuthentications', createdAt },
    policy: { ...scopeOf(destination), rules: [], providers, from: report.object },
  };
  const policy = (action: 'allow' | 'deny', rules: readonly AuthorizationRule[]): Part => ({
    ...{ kind: 'policy', of: 'authorizationPolicies', createdAt },
    policy: { ...scopeOf(destination), action, rules, onePerScope: true, from: report.object },
  });
  return [
    ...(deny.length > 0 ? [policy('deny', deny)] : []),
    ...(allow === undefined ? [] : [policy('allow', allow)]),
    ...(providers.length > 0 ? [tokens] : []),
  ];
}

/** In place of an entry that cannot be read, and of which nothing held before: nobody may call what it was about. */
function closedIntentions(object: KubeObject, context: TranslateContext, from: ObjectRef): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const unheard = new Report(from);
  const spec = fieldsOf(object, 'spec', unheard);
  const read = readDestination(object, spec, context, unheard);
  // Where it cannot be told whom it is about, it is everybody beside it.
  const scope = unheard.refused ? { namespace } : scopeOf(read);
  const policy: AuthorizationPolicy = { ...scope, action: 'allow', rules: [], onePerScope: true, from };
  return [{ kind: 'policy', of: 'authorizationPolicies', policy, createdAt }];
}

function scopeOf({ namespace, service }: Destination): Pick<AuthorizationPolicy, 'namespace' | 'services'> {
  return given({ namespace, services: service === undefined ? undefined : [service] });
}

/** Without a namespace `*` is the whole mesh, as where Consul has no namespaces; a name is of the entry's own. */
function readDestination(
  object: KubeObject,
  spec: Fields,
  context: TranslateContext,
  report: Report,
): Destination {
  const own = ownService(object, context);
  const destination = spec.object('destination');
  const name = destination?.text('name') || own.name;
  const namespace = destination?.text('namespace') || undefined;
  destination?.refuseRest();
  if (name === '*') return { namespace: namespace === '*' ? undefined : namespace, service: undefined };
  if (namespace === '*') {
    const path = destination!.at('namespace');
    report.error('field-invalid', path, `${path}: '*' goes with the name '*' alone; name the namespace`);
  }
  return { namespace: namespace ?? own.namespace, service: name.toLowerCase() };
}

/** The most precise first; one of two for the same callers counts. */
function inOrder(list: readonly IntentionSource[], spec: Fields, report: Report): readonly IntentionSource[] {
  const seen = new Set<string>();
  const path = spec.at('sources');
  for (const { key } of list) {
    if (seen.has(key))
      report.error('field-invalid', path, `${path}: ${key} is there twice; keep one of them`);
    seen.add(key);
  }
  return [...list].sort((left, right) => right.rank - left.rank || (left.key < right.key ? -1 : 1));
}
