// Places in objects where the chart's templates have something else than a text.

/** Stands where the template has an expression. */
export const marker = (words: string): string => `@@${words}@@`;

/** Entries of a list that stand there by a condition. */
export function listedIf<T>(condition: string, entries: readonly T[]): readonly (T | string)[] {
  return [marker(`if ${condition}`), ...entries, marker('end')];
}

/** Fields that stand there by a condition; once in a map, since keys are. */
export function fieldsIf(
  condition: string,
  fields: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return { [marker(`if ${condition}`)]: '', ...fields, [marker('end')]: '' };
}
