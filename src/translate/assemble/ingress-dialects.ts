import type { Problem } from '../../model/index.ts';
import { problem } from '../../model/index.ts';
import { haproxyDialect } from '../haproxy/dialect.ts';
import { NGINX_PREFIX } from '../ingress/annotations.ts';
import type { IngressDialect, IngressDialectName, SaidWords } from '../ingress/ingress-dialect.ts';
import type { ReadIngress } from '../ingress/ingress-model.ts';
import { traefikDialect } from '../traefik/dialect.ts';

const dialects: Readonly<Record<IngressDialectName, IngressDialect | undefined>> = {
  'ingress-nginx': undefined,
  haproxy: haproxyDialect,
  traefik: traefikDialect,
};

/** Undefined for ingress-nginx's, which is read with the Ingress itself. */
export function ingressDialect(name: IngressDialectName): IngressDialect | undefined {
  return dialects[name];
}

/** What is wrong with an Ingress in the dialect of its class, because of what other objects say, or because it speaks another. */
export function* dialectProblems(
  ingress: ReadIngress,
  name: IngressDialectName,
  words: SaidWords | undefined,
): Iterable<Problem> {
  const { from: object, rules } = ingress;
  for (const [annotation, other] of foreignAnnotations(ingress, name)) {
    const path = `metadata.annotations['${annotation}']`;
    const message = `${path} has no effect: the IngressClass of this Ingress reads annotations of ${name}; give it weft.dev/dialect: ${other}, or write what ${name} has for it`;
    yield problem('field-not-supported', message, { object, path, severity: 'warning' });
  }
  const dialect = dialects[name];
  if (dialect === undefined || words === undefined) return;
  const told = new Set<string>();
  for (const { paths } of rules)
    for (const each of paths)
      for (const { path, message } of dialect.problems({ ingress, path: each, words })) {
        if (told.has(message)) continue;
        told.add(message);
        yield problem('path-not-served', message, { object, path });
      }
}

/** Annotations that only a class of another dialect reads, each with that dialect. */
function foreignAnnotations(
  { annotations }: ReadIngress,
  name: IngressDialectName,
): readonly (readonly [annotation: string, dialect: IngressDialectName])[] {
  const others = Object.entries(dialects).filter(([each]) => each !== name);
  return Object.keys(annotations).flatMap(annotation =>
    others.flatMap(([other, dialect]) => {
      const prefixes = dialect?.prefixes ?? [NGINX_PREFIX];
      // What several controllers begin their names with says nothing of which is meant.
      const isTheirs = prefixes.some(each => each !== SHARED_PREFIX && annotation.startsWith(each));
      return isTheirs ? [[annotation, other as IngressDialectName] as const] : [];
    }),
  );
}

const SHARED_PREFIX = 'ingress.kubernetes.io/';
