import type { GatewayInfrastructure, ParametersRef } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';

/** spec.infrastructure of a Gateway; undefined where it says nothing. What is wrong with its parameters, its status says. */
export function readInfrastructure(
  fields: Fields | undefined,
  namespace: string,
): GatewayInfrastructure | undefined {
  if (!fields) return undefined;
  const read = given({
    labels: fields.strings('labels'),
    annotations: fields.strings('annotations'),
    parameters: readParametersRef(fields.object('parametersRef'), namespace),
  });
  fields.rest();
  return Object.keys(read).length > 0 ? read : undefined;
}

/** `namespace`: of references that name none. */
export function readParametersRef(fields: Fields | undefined, namespace: string): ParametersRef | undefined {
  if (!fields) return undefined;
  const ref = {
    group: fields.text('group') ?? '',
    kind: fields.text('kind') ?? '',
    namespace: fields.text('namespace') || namespace,
    name: fields.text('name') ?? '',
  };
  fields.rest();
  return ref;
}
