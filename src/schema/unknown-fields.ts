// Misspelt fields: kubectl refuses them (strict validation, its default since 1.25), an API server that is not asked for it drops
// them without a word, and then a probe is none.
import { nearestName } from '../plain/index.ts';
import { FIELDS, KINDS } from './fields.table.ts';

/** A field that its type has not. */
export interface UnknownField {
  /** `spec.template.spec.containers[0].readinesProbe` */
  readonly path: string;
  readonly name: string;
  /** The type that has it not, as `kubectl explain` names it: `Container`. */
  readonly type: string;
  /** The field of that type whose name is nearly the same. */
  readonly meant?: string;
}

/** What an object of any kind is, as far as this room cares. */
interface Kinded {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * The fields of the object that Kubernetes has not, wherever in it they stand. Nothing for kinds that are not Kubernetes' own:
 * who defined them knows their fields. A value of the wrong type is not looked into.
 */
export function unknownFields(object: Kinded): readonly UnknownField[] {
  const type = KINDS[`${object.apiVersion} ${object.kind}`];
  const found: UnknownField[] = [];
  if (type !== undefined) look(object, type, '', found);
  return found;
}

/** `readinesProbe is no field of Container, and kubectl apply refuses it; did you mean readinessProbe?` */
export function unknownWords({ name, type, meant }: UnknownField): string {
  const question = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `${name} is no field of ${type}, and kubectl apply refuses it${question}`;
}

/** The fields of each type and the type of each, undefined for scalars; read from the table when first asked for. */
const read = new Map<string, ReadonlyMap<string, string | undefined>>();

function fieldsOf(type: string): ReadonlyMap<string, string | undefined> {
  let fields = read.get(type);
  if (fields) return fields;
  const entries = (FIELDS[type] ?? '').trim().split(/\s+/);
  fields = new Map(entries.map(entry => entry.split(':') as [string, string?]).map(([a, b]) => [a, b]));
  read.set(type, fields);
  return fields;
}

function look(value: unknown, type: string, path: string, found: UnknownField[]): void {
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) look(each, type, `${path}[${index}]`, found);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const fields = fieldsOf(type);
  for (const [name, each] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    if (!fields.has(name)) found.push(unknown(name, type, at, fields));
    else {
      const inner = fields.get(name);
      if (inner !== undefined) look(each, inner, at, found);
    }
  }
}

function unknown(
  name: string,
  type: string,
  path: string,
  fields: ReadonlyMap<string, unknown>,
): UnknownField {
  const meant = nearestName(name, fields.keys());
  return {
    path,
    name,
    type: type.replace(/^(?:[A-Z][a-z]+)?V\d+/, ''),
    ...(meant !== undefined && { meant }),
  };
}
