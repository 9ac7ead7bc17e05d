// The way into the shop for clients outside of the mesh: edge.yaml, beside the shop's own objects, which know nothing of it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DemoMesh } from '../mesh.interface.ts';

const file = fileURLToPath(new URL('edge.yaml', import.meta.url));

/** The Service of the gateway's proxies, its port, their `app` label, and the ServiceAccount that they prove to be. */
export const GATEWAY = { service: 'edge-weft', port: 80, app: 'edge', account: 'edge-weft' } as const;

/** Puts it in force. Where pods have no network of their own there is none: its ports are those of every other proxy. */
export async function startGateway(mesh: Pick<DemoMesh, 'apply' | 'transparent'>): Promise<void> {
  if (mesh.transparent) await mesh.apply('gateway', readFileSync(file, 'utf8'));
}

/** Where a browser opens the shop: at its gateway, or without one at the storefront; undefined when that cannot be opened. */
export function shopAddress(mesh: Pick<DemoMesh, 'open' | 'transparent'>): Promise<string | undefined> {
  return mesh.transparent ? mesh.open(GATEWAY.service, GATEWAY.port) : mesh.open('storefront', 80);
}
