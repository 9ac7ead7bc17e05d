// dashboard/assets: the files of the page. Read when somebody looks for the first time, and kept compressed. Who bundles the
// programs puts them in with pagePlugin; a program that runs from source builds them itself.
import type { Assets } from './assets.interface.ts';

export type { Asset, Assets } from './assets.interface.ts';
export { type Build, pagePlugin } from './plugin.ts';

let loaded: Promise<Assets> | undefined;

/** Every file of the page. Rejects where it cannot be built, and tries again the next time. */
export function loadAssets(): Promise<Assets> {
  loaded ??= import('./built.ts')
    .then(({ builtAssets }) => builtAssets())
    .catch(thrown => {
      loaded = undefined;
      throw thrown;
    });
  return loaded;
}
