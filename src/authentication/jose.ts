let loaded: Promise<typeof import('jose')> | undefined;

/** The library, loaded when the first token comes: most proxies never see one. */
export function jose(): Promise<typeof import('jose')> {
  loaded ??= import('jose');
  return loaded;
}
