import type { TLSSocket } from 'node:tls';
import { errorMessage, guarded, INTERNAL_ERROR, WeftError } from '../errors/index.ts';
import { type InboundResource, isSameWorkload } from '../model/index.ts';
import { callerOf } from '../resolve/index.ts';
import type { Cancel } from '../time/index.ts';
import { Arrival } from './arrival.ts';
import { type CertifiedPeer, certifiedOf } from './certified-peer.ts';
import { encode } from './encode.ts';
import type { Beating } from './heartbeat.ts';
import { HeldBytes } from './held-bytes.ts';
import type { Watch } from './hub.ts';
import { LineReader } from './line-reader.ts';
import { PacedWriter } from './paced-writer.ts';
import { programAnswer } from './program-answer.ts';
import {
  type HelloMessage,
  MAX_NEWCOMER_LINE_BYTES,
  MAX_PROXY_LINE_BYTES,
  MAX_REASON_LENGTH,
  type ProxyMessage,
} from './protocol.ts';
import { readProxyMessage } from './proxy-message.ts';
import { ProxySession } from './proxy-session.ts';
import type { Pushable } from './push-queue.ts';
import type { AskableProxy, Refusal, StreamStatus } from './server.interface.ts';
import { answerSignRequest } from './sign-request.ts';
import { StreamLiveness } from './stream-liveness.ts';
import { StreamShare } from './stream-share.ts';
import type { StreamShared } from './stream-shared.ts';

type State =
  /** Connected; a `sign` or a `hello` is due. */
  | { readonly phase: 'fresh' }
  /** Said hello; the pod's object is not there yet. */
  | { readonly phase: 'waiting'; readonly self: Watch<InboundResource>; readonly cancel: Cancel }
  | { readonly phase: 'open'; readonly self: Watch<InboundResource>; readonly session: ProxySession }
  | { readonly phase: 'closed' };

/** What only an open stream may send. */
type SessionMessage = Exclude<ProxyMessage, { type: 'sign' | 'hello' | 'pong' }>;

/** One connection of a proxy, seen from the control plane: who it is, what it may say, and its end. */
export class ProxyStream implements Pushable, Beating {
  readonly #socket: TLSSocket;
  readonly #shared: StreamShared;
  readonly #address: string;
  readonly #connectedAtMs: number;
  /** SPIFFE id that the connection has proven; undefined without a good certificate. */
  readonly #principal: string | undefined;
  readonly #certified: CertifiedPeer | undefined;
  readonly #maxLineBytes: number;
  readonly #reader: LineReader;
  /** Taken from newcomerBytes. */
  readonly #held: HeldBytes;
  readonly #share: StreamShare;
  readonly #cancels: Cancel[] = [];
  #state: State = { phase: 'fresh' };
  /** Lines that wait while a message is being answered; reading is paused meanwhile. */
  #lines: string[] = [];
  #busy = false;
  /** It sent more than the limits: nothing is read until that is made up for. */
  #slowed = false;
  #stopWaiting: Cancel = () => {};
  readonly #liveness = new StreamLiveness();
  readonly #writer: PacedWriter;
  /** Of a machine outside of the cluster. */
  #arrival: Arrival | undefined;

  constructor(socket: TLSSocket, shared: StreamShared) {
    this.#socket = socket;
    this.#shared = shared;
    const { clock } = shared.options;
    this.#address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    this.#connectedAtMs = clock.now();
    this.#share = new StreamShare(shared.limits, clock.monotonic());
    this.#certified = certifiedOf(socket, shared.options.hub, clock.now());
    if (this.#certified) this.#endAt(this.#certified.validUntilMs);
    this.#principal = this.#certified?.principal;
    const { remoteAddress, remotePort } = socket;
    if (this.#principal !== undefined) shared.newcomers.leave({ remoteAddress, remotePort });
    else socket.once('close', () => shared.newcomers.leave({ remoteAddress, remotePort }));
    this.#maxLineBytes = this.#principal === undefined ? MAX_NEWCOMER_LINE_BYTES : MAX_PROXY_LINE_BYTES;
    this.#reader = new LineReader(this.#maxLineBytes);
    this.#held = new HeldBytes(shared.newcomerBytes);
    socket.setNoDelay(true);
    const drained = (): void => void (this.#state.phase === 'open' && this.#state.session.drained());
    socket.on(
      'data',
      guarded('discovery.data', (chunk: Buffer) => this.#received(chunk), this),
    );
    this.#writer = new PacedWriter(socket, guarded('discovery.drain', drained, this));
    const close = guarded('discovery.close', (why: string) => this.#close(why));
    socket.on('error', error => close(error.message));
    socket.on('close', () => close('the proxy closed the connection'));
    this.#expectMessage();
  }

  /** The connection does not outlive its certificate. */
  #endAt(validUntilMs: number): void {
    const { clock } = this.#shared.options;
    const over = 'the certificate of this connection has run out; renew it and connect anew';
    const fail = (): void => this.fail('certificate-expired', over);
    this.#cancels.push(clock.after(validUntilMs - clock.now(), fail));
  }

  /** Also after a certificate: who got one has no more to do here. */
  #expectMessage(): void {
    const { options, limits } = this.#shared;
    const late = (): void => {
      if (this.#state.phase === 'fresh' && !this.#busy)
        this.fail('hello-missing', 'send sign or hello in time');
    };
    this.#cancels.push(options.clock.after(limits.helloMs, late));
  }

  /** How it stands; undefined before it is open. */
  status(): StreamStatus | undefined {
    if (this.#state.phase !== 'open') return undefined;
    const connection = { address: this.#address, connectedAtMs: this.#connectedAtMs };
    return { ...this.#state.session.status(), principal: this.#principal!, ...connection };
  }

  /** Its proxy, which can be asked; undefined before it is open. */
  get askable(): AskableProxy | undefined {
    return this.#state.phase === 'open' ? this.#state.session : undefined;
  }

  get #closed(): boolean {
    return this.#state.phase === 'closed';
  }

  onFault(): void {
    this.#destroy(INTERNAL_ERROR);
  }

  /** What its proxy refuses now, and whose that is. */
  refusals(): readonly Refusal[] {
    if (this.#state.phase !== 'open') return [];
    const { session } = this.#state;
    return session.refused().map(({ key, reason = '' }) => ({ pod: session.pod, key, reason }));
  }

  flush(): void {
    if (this.#state.phase !== 'open') return;
    const { session } = this.#state;
    this.#writer.together(() => session.flush());
  }

  /** Called every PING_MS: asks a proxy that has been silent since whether it is there, and ends the stream when it is not. */
  ping(): void {
    // What a slowed one said meanwhile has not been read.
    if (this.#state.phase !== 'open' || this.#slowed) return;
    const [{ session }, { isQuiet }] = [this.#state, this.#liveness];
    const why = this.#liveness.judge(session.unansweredMs > this.#shared.limits.ackMs);
    if (why !== undefined) this.#destroy(why);
    else if (isQuiet) session.ping();
  }

  /** Not where the proxy hears of this replica anyway, nor where what was said before has not left yet. */
  beat(line: string): void {
    if (this.#state.phase !== 'open' || this.#socket.writableLength > 0) return;
    if (this.#liveness.isDue(line, this.#writer.lines)) this.#socket.write(line);
  }

  /** Tells the proxy why, and ends the connection. */
  fail(code: string, message: string): void {
    if (this.#state.phase === 'closed') return;
    const { log, observer } = this.#shared.options;
    const who = { principal: this.#principal, address: this.#address };
    log.warn({ ...who, code }, `ended the connection of a proxy: ${message}`);
    observer?.refused(code);
    this.#socket.write(encode({ type: 'error', code, message }));
    this.end();
  }

  /** Ends the connection after what was written; a proxy connects anew. */
  end(): void {
    this.#close('the control plane ended it');
    this.#socket.end();
    this.#shared.options.clock.after(1_000, () => this.#socket.destroy());
  }

  #received(chunk: Buffer): void {
    if (this.#state.phase === 'closed') return;
    const fine = this.#reader.push(chunk, line => {
      // Bytes of a line that never ends are no sign of life.
      this.#liveness.heard();
      return this.#lines.push(line) > 0;
    });
    this.#work();
    if (!fine)
      this.fail('message-too-long', `a line is longer than ${this.#maxLineBytes} bytes; send shorter ones`);
    else if (this.#principal === undefined && !this.#closed && !this.#held.hold(this.#reader.pendingBytes))
      this.fail(
        'newcomers-hold-too-much',
        'too many send certificate requests in pieces; send yours at once',
      );
  }

  #work(): void {
    while (!this.#busy && !this.#slowed && this.#lines.length > 0 && this.#state.phase !== 'closed') {
      const line = this.#lines.shift()!;
      const message = readProxyMessage(line);
      if (message instanceof WeftError) this.fail(message.code, message.message);
      else if (!this.#settle(message)) this.#charge(message, line.length);
    }
  }

  /**
   * Answers to what was sent are not the proxy's doing and cost it nothing: however much is pushed, it must be able to answer.
   */
  #settle(message: ProxyMessage | undefined): boolean {
    if (this.#state.phase !== 'open') return false;
    const { session } = this.#state;
    if (message?.type === 'ack') return session.settle(message.version);
    return (
      message?.type === 'nack' && session.settle(message.version, message.reason.slice(0, MAX_REASON_LENGTH))
    );
  }

  /** Handles it, and reads on only when what it cost has been earned: who asks for much waits, and loses nothing. */
  #charge(message: ProxyMessage | undefined, length: number): void {
    const waitMs = this.#share.borrow(message, length, this.#shared.options.clock.monotonic());
    if (waitMs > 0) this.#slowDown(waitMs);
    if (message) this.#handle(message);
  }

  #slowDown(waitMs: number): void {
    const { clock, observer, log } = this.#shared.options;
    const fields = { principal: this.#principal, address: this.#address, waitMs };
    log.debug(fields, 'a proxy sends more than its share and is read more slowly');
    observer?.slowed();
    this.#slowed = true;
    this.#socket.pause();
    this.#stopWaiting = clock.after(waitMs, () => {
      this.#slowed = false;
      this.#liveness.heard();
      this.#goOn();
    });
  }

  #handle(message: ProxyMessage): void {
    if (message.type === 'pong') return;
    if (message.type === 'sign') void this.#sign(message);
    else if (message.type === 'hello') this.#hello(message);
    else if (this.#state.phase === 'open') this.#follow(message, this.#state.session);
    else this.fail('hello-missing', `${message.type} came before hello; send hello first`);
  }

  #follow(message: SessionMessage, session: ProxySession): void {
    switch (message.type) {
      case 'subscribe':
        session.subscribe(message.keys);
        break;
      case 'unsubscribe':
        session.unsubscribe(message.keys);
        break;
      case 'fetch':
        this.#socket.write(
          encode(programAnswer(message.digest, this.#socket.writableLength, this.#shared.options)),
        );
        break;
      case 'said':
      case 'done':
        session.heard(message);
        break;
      default:
      // An answer to nothing that was sent, as `settle` found.
    }
  }

  async #sign(message: Extract<ProxyMessage, { type: 'sign' }>): Promise<void> {
    this.#pause();
    const { options } = this.#shared;
    const answer = await answerSignRequest(message, this.#certified, options).catch(
      (thrown: unknown) =>
        new WeftError('sign-failed', `the certificate could not be made: ${errorMessage(thrown)}`),
    );
    if (this.#state.phase === 'closed') return;
    if (answer instanceof WeftError) {
      this.fail(answer.code, answer.message);
      return;
    }
    options.observer?.signed();
    this.#socket.write(encode(answer));
    this.#expectMessage();
    this.#resume();
  }

  #hello(hello: HelloMessage): void {
    if (this.#state.phase !== 'fresh') {
      this.fail('hello-again', 'hello came twice; open another connection');
      return;
    }
    if (this.#principal === undefined) {
      const why = 'a stream needs mutual TLS with a certificate of this mesh; ask for one with sign first';
      this.fail('certificate-required', why);
      return;
    }
    const { hub, clock } = this.#shared.options;
    const failed = (error: WeftError): void => this.fail(error.code, error.message);
    const arrival = Arrival.begin(hello, this.#certified, this.#shared.options, failed);
    if (arrival instanceof WeftError) {
      failed(arrival);
      return;
    }
    this.#arrival = arrival;
    const pod = `${hello.namespace}/${hello.pod}`;
    const self = hub.watchInbound(pod, () => this.#identify(hello));
    const cancel = clock.after(this.#shared.limits.podMs, () => {
      this.fail(
        'pod-unknown',
        `the control plane knows no pod ${pod}; check that its object exists and is read`,
      );
    });
    this.#state = { phase: 'waiting', self, cancel };
    this.#pause();
    this.#identify(hello);
  }

  /** The pod's object came or changed: it must have the identity that the certificate proves. */
  #identify(hello: HelloMessage): void {
    const state = this.#state;
    if (state.phase !== 'waiting' && state.phase !== 'open') return;
    const inbound = state.self.value;
    if (!inbound) return;
    const { principal } = inbound.self;
    const { trustDomains } = this.#shared.options.hub;
    if (!isSameWorkload(principal, this.#principal ?? '', trustDomains)) {
      const why = `the pod ${inbound.key} is ${principal} and the certificate is of ${this.#principal}; use the pod's own`;
      this.fail('certificate-wrong-pod', why);
    } else if (state.phase === 'waiting') {
      state.cancel();
      this.#open(hello, state.self);
    }
  }

  #open(hello: HelloMessage, self: Watch<InboundResource>): void {
    const { options, queue } = this.#shared;
    const session = new ProxySession({
      server: options,
      hello,
      subscriptions: this.#shared.limits.subscriptions,
      caller: callerOf(options.hub.mesh.workloads.get(`${hello.namespace}/${hello.pod}`)!),
      write: line => this.#writer.write(line),
      flushSoon: () => queue.add(this),
    });
    this.#state = { phase: 'open', self, session };
    const fields = { pod: session.pod, proxyVersion: hello.proxyVersion, address: this.#address };
    options.log.info(fields, 'a proxy is connected');
    options.observer?.connected(+1);
    session.start();
    this.beat(this.#shared.heartbeat.line);
    this.#resume();
    this.#shared.opened(session);
    this.#arrival?.opened(session);
  }

  #pause(): void {
    this.#busy = true;
    this.#socket.pause();
  }

  #resume(): void {
    this.#busy = false;
    this.#goOn();
  }

  #goOn(): void {
    if (this.#busy || this.#slowed || this.#state.phase === 'closed') return;
    this.#socket.resume();
    this.#work();
  }

  #destroy(why: string): void {
    this.#close(why);
    this.#socket.destroy();
  }

  #close(why: string): void {
    const state = this.#state;
    if (state.phase === 'closed') return;
    this.#state = { phase: 'closed' };
    for (const cancel of this.#cancels) cancel();
    this.#stopWaiting();
    this.#lines = [];
    this.#held.release();
    this.#shared.queue.remove(this);
    if (state.phase === 'waiting') state.cancel();
    if (state.phase !== 'fresh') state.self.close();
    if (state.phase === 'open') {
      state.session.close();
      const { observer, log } = this.#shared.options;
      observer?.connected(-1);
      log.info({ pod: state.session.pod, why }, 'a proxy is disconnected');
    }
    this.#arrival?.left();
    this.#shared.closed(this);
  }
}
