import type { Assets } from './assets.interface.ts';
import { bundlePage } from './bundle.ts';

/** The page, built now: what a program that runs from source has. In a bundle this file is replaced; see pagePlugin. */
export async function builtAssets(): Promise<Assets> {
  // A name that bundlers do not follow: production has no esbuild.
  const name: string = 'esbuild';
  const { build } = (await import(name)) as typeof import('esbuild');
  return bundlePage(build);
}
