/** What an expression comes to; undefined where something that it needs is absent, or cannot be computed. */
export type Value = string | number | boolean | readonly Value[] | undefined;

/** Of what type a value is, as far as an expression is checked before it runs. */
export type Type = 'string' | 'int' | 'double' | 'bool' | 'list';

/** What its author calls a type. */
export function word(type: Type): string {
  return { string: 'text', int: 'whole number', double: 'number', bool: 'truth value', list: 'list' }[type];
}
