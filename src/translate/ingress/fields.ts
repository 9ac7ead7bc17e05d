import { INGRESS_CONFIG, MESH_CONFIG } from '../../config/index.ts';
import { fieldsRef } from '../../model/index.ts';
import { isRecord } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { headerNameProblem } from '../header-name.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import type { Annotations } from './annotations.ts';
import type { FieldPairs, IngressSettings } from './ingress-model.ts';

/** v1 ConfigMap as names and values of fields of headers: whether somebody names it is seen when all objects are known. */
export const ingressFieldsTranslator: KindTranslator = { kind: 'ConfigMap', translate: translateFields };

const settings: ReadonlySet<string> = new Set([...MESH_CONFIG, INGRESS_CONFIG]);

function translateFields(
  object: KubeObject,
  _context: TranslateContext,
  { object: from }: Report,
): readonly Part[] {
  const { name, namespace = '' } = object.metadata;
  if (settings.has(name)) return [];
  const ref = `${namespace}/${name}`;
  const fields: (readonly [string, string])[] = [];
  for (const [field, value] of Object.entries(isRecord(object.data) ? object.data : {})) {
    const problem = headerNameProblem(field) ?? valueProblem(value);
    if (problem !== undefined) {
      const wrong = `data['${field.slice(0, 100)}'] ${problem}`;
      return [{ kind: 'ingress-fields', read: { ref, fields: [], wrong, from } }];
    }
    fields.push([field.toLowerCase(), (value as string).trim()]);
  }
  fields.sort(([left], [right]) => (left < right ? -1 : 1));
  return [{ kind: 'ingress-fields', read: { ref, fields, from } }];
}

function valueProblem(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\t\x20-\x7e]*$/.test(value.trim())
    ? undefined
    : 'is no value of a field: one line of ASCII';
}

/** The ConfigMaps that custom-headers and auth-proxy-set-headers name. */
export function readFields(
  annotations: Annotations,
  namespace: string,
): Pick<IngressSettings, 'responseFieldsFrom' | 'questionFieldsFrom'> {
  const refOf = (name: string): string | undefined => {
    const text = annotations.text(name);
    if (text === undefined) return undefined;
    const ref = fieldsRef(text, namespace);
    if (ref === undefined)
      return annotations.wrong(name, `'${text}' names no ConfigMap; write ${namespace}/NAME`);
    if (ref.startsWith(`${namespace}/`)) return ref;
    return annotations.wrong(name, `'${text}' is of another namespace; copy it to ${namespace}`);
  };
  const [responseFieldsFrom, questionFieldsFrom] = [refOf('custom-headers'), refOf('auth-proxy-set-headers')];
  if (questionFieldsFrom !== undefined && !annotations.has('auth-url'))
    annotations.tell('auth-proxy-set-headers', 'it has no effect without auth-url');
  return {
    ...(responseFieldsFrom !== undefined && { responseFieldsFrom }),
    ...(questionFieldsFrom !== undefined && annotations.has('auth-url') && { questionFieldsFrom }),
  };
}

/** The settings with what the ConfigMaps hold. */
export function withFields(
  read: IngressSettings,
  fields: { readonly response?: FieldPairs; readonly question?: FieldPairs },
): IngressSettings {
  const { authRequest } = read.edge;
  const { response, question } = fields;
  return {
    ...read,
    ...(response && { responseFields: response }),
    ...(question &&
      authRequest && { edge: { ...read.edge, authRequest: { ...authRequest, requestHeaders: question } } }),
  };
}
