/** What `get` resolves with once it does, or once that is `good`; throws what it said last after two minutes. */
export async function until<Value>(
  what: string,
  get: () => Promise<Value>,
  good: (value: Value) => boolean = () => true,
): Promise<Value> {
  for (const limit = performance.now() + 120_000; ; ) {
    const [value, error] = await get().then(
      found => [found, undefined] as const,
      (thrown: unknown) => [undefined, thrown] as const,
    );
    if (error === undefined && good(value!)) return value!;
    if (performance.now() > limit)
      throw new Error(`not within two minutes: ${what}; last: ${String(error ?? JSON.stringify(value))}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
