import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** An instance as Consul tells of it. */
export interface Instance {
  readonly address: string;
  readonly port: number;
}

/** The part of Consul's HTTP API that answers who is there, with questions that wait; `up` false: it has no leader. */
export class FakeConsul {
  up = true;
  readonly asked: string[] = [];
  #index = 10;
  readonly #instances = new Map<string, readonly Instance[]>();
  #waiting: (() => void)[] = [];

  async start(): Promise<void> {
    const server = createServer((request, response) => this.#answer(request, response));
    await new Promise<void>(resolve => void server.listen(8500, '127.0.0.1', resolve));
  }

  set(service: string, ...instances: readonly Instance[]): void {
    this.#instances.set(service, instances);
    this.#index++;
    for (const tell of this.#waiting.splice(0)) tell();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push(request.url ?? '');
    if (!this.up) {
      response.writeHead(500).end('No cluster leader');
      return;
    }
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://consul');
    const tell = (): void => {
      // Questions that wait end with an error, too, when the leader is lost.
      if (!this.up) return void response.writeHead(500).end('No cluster leader');
      const found = this.#instances.get(pathname.split('/').at(-1)!) ?? [];
      response.writeHead(200, { 'content-type': 'application/json', 'x-consul-index': this.#index });
      response.end(
        JSON.stringify(
          found.map(({ address, port }) => ({
            Node: { Address: '10.0.0.1' },
            Service: { Address: address, Port: port },
            Checks: [],
          })),
        ),
      );
    };
    if (Number(searchParams.get('index') ?? 0) >= this.#index) this.#waiting.push(tell);
    else tell();
  }
}
