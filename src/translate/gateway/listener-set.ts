import { type Gateway, listenerSetKey } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { fieldsOf } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';
import { readListener } from './gateway.ts';
import { required } from './matches.ts';
import { EXPERIMENTAL_GROUP, GATEWAY_GROUP } from './parent-ref.ts';

/** gateway.networking.k8s.io ListenerSet, v1: listeners that are joined to those of a Gateway. */
export const listenerSetTranslator: KindTranslator = {
  kind: `ListenerSet.${GATEWAY_GROUP}`,
  translate: (...rest) => translateListenerSet(GATEWAY_GROUP, 'ListenerSet', ...rest),
};

/** gateway.networking.x-k8s.io XListenerSet: the same before it became standard. */
export const xListenerSetTranslator: KindTranslator = {
  kind: `XListenerSet.${EXPERIMENTAL_GROUP}`,
  translate: (...rest) => translateListenerSet(EXPERIMENTAL_GROUP, 'XListenerSet', ...rest),
};

function translateListenerSet(
  group: string,
  kind: string,
  object: KubeObject,
  _context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { name, namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const parent = fieldsOf(object, 'spec', report).object('parentRef');
  if (parent === undefined) {
    report.error('field-invalid', 'spec.parentRef', 'spec.parentRef is missing; name a Gateway');
    return [];
  }
  const isGateway =
    (parent.text('group') ?? GATEWAY_GROUP) === GATEWAY_GROUP &&
    (parent.text('kind') ?? 'Gateway') === 'Gateway';
  const to = { namespace: parent.text('namespace') || namespace, name: required(parent, 'name', report) };
  parent.rest();
  if (!isGateway) {
    report.warn(
      'parent-not-supported',
      parent.path,
      `${parent.path}: only Gateways have ListenerSets; name one`,
    );
    return [];
  }
  // Whose the Gateway is shows only in the mesh: nobody is told what is wrong with the listeners of others.
  const own = new Report(report.object);
  const spec = fieldsOf(object, 'spec', own);
  spec.pass('parentRef');
  const context = { namespace, frontend: { byPort: {} }, options: undefined, issuer: undefined };
  const listeners = spec.objects('listeners').flatMap(each => readListener(each, context, own));
  spec.rest();
  const set: Gateway = {
    ...{ namespace, name, parent: to, servedFrom: to.namespace, listeners, from: report.object },
    needsGrant: { group, kind },
    ...given({ problems: some(own.problems) }),
  };
  const key = listenerSetKey(namespace, name);
  const place = { key, gateway: `${to.namespace}/${to.name}`, from: report.object };
  return [
    { kind: 'policy', of: 'gateways', policy: set, createdAt },
    { kind: 'policy', of: 'listenerSets', policy: place, createdAt },
  ];
}
