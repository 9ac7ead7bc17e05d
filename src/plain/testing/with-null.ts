/** Copies of the value with null at one place, for every place. */
export function* withNull(value: unknown): Iterable<unknown> {
  yield null;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) for (const each of withNull(value[i])) yield value.with(i, each);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value))
      for (const each of withNull(inner)) yield { ...value, [name]: each };
  }
}
