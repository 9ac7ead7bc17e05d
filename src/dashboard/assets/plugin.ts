import type { BuildOptions, BuildResult, Plugin } from 'esbuild';

/** esbuild's `build`, passed in: production has no esbuild. */
export type Build = (options: BuildOptions) => Promise<BuildResult>;

/** Puts the page into a bundle of the control plane, as a chunk that is read when somebody looks for the first time. */
export function pagePlugin(build: Build): Plugin {
  return {
    name: 'weft-dashboard',
    setup({ onLoad }) {
      onLoad({ filter: /[/\\]dashboard[/\\]assets[/\\]built\.ts$/ }, async () => {
        const { bundlePage } = await import('./bundle.ts');
        const assets = JSON.stringify(await bundlePage(build));
        return { contents: `export const builtAssets = async () => (${assets});`, loader: 'js' };
      });
    },
  };
}
