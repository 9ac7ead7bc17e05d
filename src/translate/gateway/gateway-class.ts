import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { readParametersRef } from './infrastructure.ts';
import { required } from './matches.ts';

/** gateway.networking.k8s.io GatewayClass, v1beta1 and v1: whose the Gateways of a class are. */
export const gatewayClassTranslator: KindTranslator = {
  kind: 'GatewayClass.gateway.networking.k8s.io',
  translate: translateGatewayClass,
};

function translateGatewayClass(
  object: KubeObject,
  _context: TranslateContext,
  report: Report,
): readonly Part[] {
  const spec = fieldsOf(object, 'spec', report);
  const controller = required(spec, 'controllerName', report);
  const { name, creationTimestamp = '' } = object.metadata;
  const parameters = readParametersRef(spec.object('parametersRef'), '');
  const policy = { name, controller, ...given({ parameters }), from: report.object };
  return [{ kind: 'policy', of: 'gatewayClasses', policy, createdAt: creationTimestamp }];
}
