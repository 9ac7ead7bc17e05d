import type { Merge } from './merge.ts';

/** What each thread of a proxy needs. */
const proxy = ['src/main/proxy-program.ts', 'src/main/discovery-control-plane.ts', 'src/main/proxy-core.ts'];

/** weft-proxy: what runs for long is merged, what ends soon loads what it needs. */
export const PROXY: Merge = {
  entry: 'src/main/weft-proxy.ts',
  commands: {
    run: ['src/main/proxy-run.ts', ...proxy],
    gateway: ['src/main/gateway-run.ts', 'src/proxy/gateway/index.ts', 'src/proxy/edge/index.ts', ...proxy],
    wait: ['src/main/ready-hook.ts'],
    other: [],
  },
};
