// ConfigMaps with fields of headers, and what becomes of the Ingresses and the settings that name them.
import { equal, type ObjectRef, type Problem, problem } from '../../model/index.ts';
import { NGINX_PREFIX } from '../ingress/annotations.ts';
import type { FieldPairs, IngressDefaults, ReadFields, ReadIngress } from '../ingress/ingress-model.ts';
import { withOperators } from '../ingress/variables.ts';

/** What a ConfigMap has, and what is wrong with it: then these are the fields that it had before; none where it never had any. */
interface Found {
  readonly fields?: FieldPairs;
  readonly why?: string;
}

/** The ConfigMaps. One that turns into none keeps the fields that it had. */
export class IngressFields {
  /** By `namespace/name`; of several sources that have one, by part. */
  readonly #all = new Map<string, Map<string, ReadFields>>();
  readonly #good = new Map<string, FieldPairs>();

  set(id: string, read: ReadFields, present: boolean): void {
    const { ref } = read;
    const own = this.#all.get(ref) ?? new Map<string, ReadFields>();
    if (present) own.set(id, read);
    else own.delete(id);
    if (own.size > 0) this.#all.set(ref, own);
    else this.#all.delete(ref);
  }

  /** What the ConfigMap has now. To be asked when all of a change is known. */
  find(ref: string): Found {
    const [read] = this.#all.get(ref)?.values() ?? [];
    if (read === undefined) {
      this.#good.delete(ref);
      return { why: `there is no ConfigMap ${ref} that Weft can read (docs/rights.md)` };
    }
    if (read.wrong === undefined) {
      this.#good.set(ref, read.fields);
      return { fields: read.fields };
    }
    const fields = this.#good.get(ref);
    return { why: `ConfigMap ${ref}: ${read.wrong}`, ...(fields && { fields }) };
  }
}

/** An Ingress with the fields that it names. */
export interface WithFields {
  /** As it is to be served. */
  readonly ingress: ReadIngress;
  readonly problems: readonly Problem[];
}

/**
 * What an Ingress that names ConfigMaps is served as. Where one of them cannot be had, or has what settings do not allow, it is
 * what it was `before`, and where it was nothing its paths answer 503, as ingress-nginx has it.
 */
export function ingressWithFields(
  written: ReadIngress,
  before: ReadIngress | undefined,
  maps: IngressFields,
  { allowedFields }: IngressDefaults,
): WithFields {
  const { responseFieldsFrom, questionFieldsFrom } = written.settings;
  const problems: Problem[] = [];
  const read = (
    name: string,
    ref: string | undefined,
    allowed?: readonly string[],
  ): FieldPairs | undefined => {
    if (ref === undefined) return undefined;
    const { fields, why } = maps.find(ref);
    const other = allowed && fields?.find(([field]) => !allowed.includes(field))?.[0];
    const words =
      why ??
      (other === undefined
        ? undefined
        : `ConfigMap ${ref} has ${other}, which global-allowed-response-headers of ingress-nginx's ConfigMap does not name`);
    if (words !== undefined)
      problems.push(
        unusable(
          written.from,
          annotationPath(name),
          words,
          'what held before holds on; where nothing did, its paths answer 503',
        ),
      );
    return other === undefined ? fields : undefined;
  };
  const response = read('custom-headers', responseFieldsFrom, allowedFields);
  const question = read('auth-proxy-set-headers', questionFieldsFrom);
  const isWhole =
    (responseFieldsFrom === undefined || response !== undefined) &&
    (questionFieldsFrom === undefined || question !== undefined);
  if (isWhole) {
    const fields = { ...(response && { response }), ...(question && { question }) };
    const isSame = before?.settings === written.settings && equal(before.fields, fields);
    return { ingress: isSame ? before : { ...written, fields }, problems };
  }
  const holds = before !== undefined && before.refused !== true;
  return { ingress: holds ? before : { ...written, refused: true }, problems };
}

/** Settings of ingress-nginx with the fields that they name; what cannot be had is left out, as there. */
export function defaultsWithFields(
  defaults: IngressDefaults,
  from: ObjectRef,
  maps: IngressFields,
): { readonly defaults: IngressDefaults; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const read = (key: string, ref: string | undefined): FieldPairs => {
    if (ref === undefined) return [];
    const { fields = [], why } = maps.find(ref);
    if (why !== undefined)
      problems.push(
        unusable(
          from,
          keyPath(key),
          why,
          'the fields that it had before hold on; where it had none, there are none',
        ),
      );
    return fields;
  };
  const requestFields = read('proxy-set-headers', defaults.requestFieldsFrom).flatMap(([name, value]) => {
    const text = withOperators(value);
    if ('value' in text) return [[name, text.value] as const];
    const why = `${name} of ConfigMap ${defaults.requestFieldsFrom} has the variable ${text.unknown}, which is not known`;
    problems.push(unusable(from, keyPath('proxy-set-headers'), why, 'requests go without it'));
    return [];
  });
  const responseFields = read('add-headers', defaults.responseFieldsFrom);
  return { defaults: { ...defaults, requestFields, responseFields }, problems };
}

function annotationPath(name: string): string {
  return `metadata.annotations['${NGINX_PREFIX}${name}']`;
}

function keyPath(key: string): string {
  return `data['${key}']`;
}

function unusable(object: ObjectRef, path: string, why: string, outcome: string): Problem {
  return problem('header-fields-unusable', `${path}: ${why}; ${outcome}`, { object, path });
}
