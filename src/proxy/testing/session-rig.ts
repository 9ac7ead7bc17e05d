import type { InboundResource, TrafficSettings } from '../../model/index.ts';
import { closeAll, type RawConnection, rawConnection } from './clients.ts';
import { StaticMesh, type TestProxy } from './static-mesh.ts';

/** Two proxies, and an app of bytes behind the second at `app:1`, on a port that is declared TCP unless told. */
export class SessionRig {
  readonly mesh = new StaticMesh();
  readonly client: TestProxy;
  readonly server: TestProxy;
  readonly #app: { readonly port: number; close(): void };

  constructor(
    app: { readonly port: number; close(): void },
    told: {
      readonly port?: Partial<InboundResource['ports'][number]>;
      readonly inbound?: Partial<InboundResource>;
      readonly settings?: Partial<TrafficSettings>;
    } = {},
  ) {
    this.#app = app;
    this.client = this.mesh.proxy('client');
    this.server = this.mesh.proxy('server', {
      ports: [{ number: app.port, protocol: 'tcp', mtls: 'strict', ...told.port }],
      ...(told.inbound && { inbound: told.inbound }),
    });
    this.mesh.set({
      key: 'app:1',
      protocol: 'tcp',
      endpoints: [this.mesh.meshed(this.server, app.port)],
      ...(told.settings && { settings: told.settings }),
    });
  }

  /** A client that has asked for a connection to the app and been told that it is open. */
  async open(): Promise<RawConnection> {
    const raw = await rawConnection(this.client.plane.outboundPort);
    await raw.tunnel('app:1');
    return raw;
  }

  /** Connections between the proxies that carry streams, as the client's proxy has them. */
  get carriers(): number {
    let open = 0;
    for (const cluster of this.client.plane.destinations.clusters)
      for (const { sessions } of cluster.endpoints) open += sessions?.figures.open ?? 0;
    return open;
  }

  /** The first cluster of the client's. */
  get cluster() {
    return [...this.client.plane.destinations.clusters][0]!;
  }

  close(): void {
    closeAll(this.mesh, this.#app);
  }
}

/** Sends a word and waits until it has come back. */
export async function echoes(raw: RawConnection, word: string): Promise<boolean> {
  raw.text = '';
  raw.write(word);
  await raw.until(({ text, closed, ended }) => text === word || closed || ended);
  return raw.text === word;
}
