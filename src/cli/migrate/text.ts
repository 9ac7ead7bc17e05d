import { formatRef } from '../../model/index.ts';
import type { Migrated, Migration } from './ingress-nginx.ts';

const verdicts: Readonly<Record<Migrated['verdict'], string>> = {
  same: 'means the same',
  differs: 'is served, but differs',
  refused: 'is NOT served until it is changed',
};

/** The migration as people read it: what is refused first. */
export function migrationText({ classes, objects, others }: Migration): string {
  const order: readonly Migrated['verdict'][] = ['refused', 'differs', 'same'];
  const blocks = order.flatMap(verdict =>
    objects
      .filter(each => each.verdict === verdict)
      .map(({ object, notes }) =>
        [
          `${formatRef(object)} ${object.kind === 'Ingress' ? verdicts[verdict] : 'has keys that differ'}`,
          ...notes.map(({ message }) => `    ${message}`),
        ].join('\n'),
      ),
  );
  const count = (verdict: Migrated['verdict']): number =>
    objects.filter(each => each.object.kind === 'Ingress' && each.verdict === verdict).length;
  const summary = `${count('same')} mean the same, ${count('differs')} differ, ${count('refused')} are refused; classes: ${classes.join(', ')}`;
  const foreign = others === 0 ? [] : [`${others} Ingresses of other controllers stay as they are`];
  return [...blocks, [summary, ...foreign].join('\n'), next].join('\n\n');
}

const next = `Next: docs/policies/ingress.md says what each annotation means. When you are ready, delete the IngressClass and make it anew with
spec.controller weft.dev/ingress-controller and the same name; every Ingress stays as it is.`;
