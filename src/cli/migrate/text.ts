import { formatRef } from '../../model/index.ts';
import { type FormerController, isRouting, type Migrated, type Migration } from './migration.ts';

const verdicts: Readonly<Record<Migrated['verdict'], string>> = {
  same: 'means the same',
  differs: 'is served, but differs',
  refused: 'is NOT served until it is changed',
};

/** Of objects beside Ingresses. */
const besides: Readonly<Record<Migrated['verdict'], string>> = {
  same: 'means the same',
  differs: 'says something that differs',
  refused: 'says something that CANNOT be carried out; what depends on it is not served until it is changed',
};

/** The migration as people read it: what is refused first. */
export function migrationText({ classes, objects, others }: Migration, controller: FormerController): string {
  const { name, page } = controller;
  const order: readonly Migrated['verdict'][] = ['refused', 'differs', 'same'];
  const blocks = order.flatMap(verdict =>
    objects
      .filter(each => each.verdict === verdict)
      .map(({ object, notes }) =>
        [
          `${formatRef(object)} ${isRouting(object.kind, controller) ? verdicts[verdict] : besides[verdict]}`,
          ...notes.map(({ message }) => `    ${message}`),
        ].join('\n'),
      ),
  );
  const count = (verdict: Migrated['verdict']): number =>
    objects.filter(each => isRouting(each.object.kind, controller) && each.verdict === verdict).length;
  const summary = `${count('same')} mean the same, ${count('differs')} differ, ${count('refused')} are refused; classes: ${classes.join(', ')}`;
  const foreign = others === 0 ? [] : [`${others} Ingresses of other controllers stay as they are`];
  return [...blocks, [summary, ...foreign].join('\n'), nextWords(name, page)].join('\n\n');
}

function nextWords(name: FormerController['name'], page: string): string {
  const dialect = name === 'ingress-nginx' ? '' : `, the annotation weft.dev/dialect: ${name}`;
  return `Next: ${page} says what each word means. When you are ready, delete the IngressClass and make it anew with
spec.controller weft.dev/ingress-controller${dialect} and the same name; every Ingress stays as it is.`;
}
