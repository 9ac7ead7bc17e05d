// For tests: a sidecar in this process, from YAML to sockets; apps name it as their proxy of HTTP.
import { Hub, InProcessStream } from '../../discovery/index.ts';
import type { CertificateResource } from '../../model/index.ts';
import type { Change } from '../../registry/index.ts';
import type { Caller } from '../../resolve/index.ts';
import { systemClock } from '../../time/index.ts';
import { MeshTls } from '../../tls/index.ts';
import { changesOf } from '../../translate/testing/from-yaml.ts';
import { Translator } from '../../translate/translator.ts';
import { DataPlane } from '../data-plane.ts';
import { KeptAccessLog, KeptLog } from './static-mesh.ts';

/** A sidecar of this caller that is told new objects whenever a test says so. */
export class YamlSidecar {
  readonly plane: DataPlane;
  readonly log = new KeptLog();
  readonly #caller: Caller;
  readonly #translator = new Translator();
  readonly #hub: Hub;
  readonly #stream: InProcessStream;
  #objects = new Map<string, Change>();

  constructor(yaml: string, caller: Caller) {
    this.#caller = caller;
    this.#hub = new Hub(this.#translator.mesh);
    this.plane = new DataPlane({
      ...{ clock: systemClock, log: this.log, accessLog: new KeptAccessLog(), tls: new MeshTls() },
      source: { want: key => this.#stream.want(key), forget: key => this.#stream.forget(key) },
      outbound: { hosts: ['127.0.0.1'], port: 0 },
      inbound: { hosts: ['127.0.0.1'], port: 0 },
      redirected: false,
      address: '127.0.0.1',
      mtlsUntilKnown: 'permissive',
    });
    this.#stream = new InProcessStream({
      hub: this.#hub,
      sink: { apply: resource => this.plane.apply(resource), connection() {} },
      log: this.log,
      caller,
      source: 'test',
    });
    this.#stream.start();
    this.tell(yaml);
    this.plane.listen();
  }

  /** Where it listens for its app. */
  get port(): number {
    return this.plane.outboundPort;
  }

  /** From now on these are all objects that there are. */
  tell(yaml: string): void {
    const now = new Map(changesOf(yaml).map(change => [`${change.kind} ${change.key}`, change]));
    const gone = [...this.#objects].flatMap(([id, { kind, key }]): Change[] =>
      now.has(id) ? [] : [{ type: 'delete', kind, key }],
    );
    this.#objects = now;
    const { mesh, touched } = this.#translator.apply([...now.values(), ...gone]);
    this.#hub.update(mesh, touched, 0);
  }

  /** What it would be told of a certificate of this key. */
  certificate(key: string): CertificateResource {
    const watch = this.#hub.watchAsked(this.#caller, key, () => {});
    const { value } = watch;
    watch.close();
    return value as CertificateResource;
  }

  close(): void {
    this.#stream.close();
    this.plane.destroy();
  }
}
