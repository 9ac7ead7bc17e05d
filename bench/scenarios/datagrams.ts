// Datagrams through the way in: `weft-proxy gateway` beside nginx's stream module, each with one core. HAProxy carries no UDP.
import { freePort } from '../../src/wire/testing/ports.ts';
import { readResult } from '../load/load-result.ts';
import { listening } from '../processes.ts';
import type { Stage } from '../stage.ts';
import { type Comparison, compare } from './rounds.ts';
import type { Scenario } from './scenario.interface.ts';

const program = 'bench/load/datagrams.ts';

async function echo(stage: Stage): Promise<number> {
  const port = await freePort();
  const running = stage.helper(process.execPath, [program, '--port', `${port}`, '--echo']);
  await listening(port, running, 30_000, 'udp');
  return port;
}

/** A datagram and its echo count as a request. */
export const datagrams: Scenario = {
  name: 'edge-datagrams',
  title: 'an edge, UDP: 32 clients, datagrams of 100 bytes and their echoes',
  unit: 'datagram and its echo',
  run: (proxies, settings) => {
    const comparison: Comparison = {
      job: { protocol: 'udp', topology: 'hop', edge: { clients: 'udp' } },
      backend: echo,
      load: async (stage, port, seconds) => {
        const flags = ['--port', `${port}`, '--seconds', `${seconds}`];
        return readResult(await stage.load(process.execPath, [program, ...flags]));
      },
      seconds: settings.quick ? 2 : 5,
    };
    return compare(comparison, proxies, settings);
  },
};
