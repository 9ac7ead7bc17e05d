// What a control plane counts on a cluster and cannot in the sandbox, which asks nobody about pods and whose proxies refuse
// nothing: the metrics are the program's own, only what happened is made up.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ControlPlaneMetrics } from '../../src/telemetry/control-plane-metrics.ts';
import { WebhookMetrics } from '../../src/telemetry/webhook-metrics.ts';

const everyMs = 500;

/** A target for Prometheus that counts from `begin` on. */
export interface StandIn {
  readonly job: object;
  begin(): void;
  stop(): void;
}

/** Starts it; before `begin` it answers 503, so that nothing of it is known. */
export async function standIn(): Promise<StandIn> {
  const metrics = new ControlPlaneMetrics({
    version: '0.0.0',
    problems: () => ({ error: 0, warning: 1 }),
    objects: () => ({}),
    expiries: () => [],
  });
  const webhook = new WebhookMetrics(metrics.registry);
  let timer: NodeJS.Timeout | undefined;
  const server = createServer((_, answer) => {
    if (timer === undefined) {
      answer.writeHead(503).end();
      return;
    }
    metrics.render().then(
      ({ type, body }) => answer.setHeader('content-type', type).end(body),
      (thrown: unknown) => answer.writeHead(500).end(String(thrown)),
    );
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const happens = (): void => {
    webhook.admission('injected', 'injected', 3);
    webhook.uninjected([{ namespace: 'shop', code: 'missed', pods: ['one'] }]);
    metrics.nacked('destination');
    metrics.refused('token-expired');
  };
  return {
    job: {
      job_name: 'stand-in',
      static_configs: [{ targets: [address], labels: { namespace: 'weft-system', pod: 'stand-in' } }],
    },
    begin() {
      happens();
      timer = setInterval(happens, everyMs);
    },
    stop() {
      clearInterval(timer);
      server.closeAllConnections();
      server.close();
    },
  };
}
