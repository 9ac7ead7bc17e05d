import type { TLSSocket } from 'node:tls';
import { errorMessage, guarded, INTERNAL_ERROR } from '../errors/index.ts';
import type { Credentials } from '../identity/index.ts';
import type { MachineClaim } from '../model/index.ts';
import type { Log } from '../telemetry/index.ts';
import { Backoff, type Cancel, type Clock } from '../time/index.ts';
import { AnswerWriter } from './answer-writer.ts';
import { BeatWatch } from './beat-watch.ts';
import type { QuestionHandler, ResourceSink, ResourceStream } from './client.interface.ts';
import { type ControlPlane, connectAnyReplica } from './control-plane-connection.ts';
import { AT_FIRST, BESIDE_A_SILENT_ONE } from './first-that-answers.ts';
import { keyFault, refusedDestination } from './key.ts';
import { inBatches, KeyBatch } from './key-batch.ts';
import { LineReader } from './line-reader.ts';
import { ProgramFetch } from './program-fetch.ts';
import { MAX_LINE_BYTES, type ProxyMessage, type ServerMessage, SILENCE_MS } from './protocol.ts';
import { Received } from './received.ts';
import type { CredentialSource } from './server.interface.ts';

/** What a proxy's stream is made of. */
export interface DiscoveryClientOptions {
  readonly controlPlane: ControlPlane;
  /** The stream begins when there are credentials, and connects anew when there are others. */
  readonly credentials: CredentialSource;
  readonly namespace: string;
  readonly pod: string;
  /** Of a machine outside of the cluster that joins a WorkloadGroup. */
  readonly machine?: MachineClaim;
  readonly proxyVersion: string;
  readonly sink: ResourceSink;
  /** Without one every question is answered with a refusal. */
  readonly questions?: QuestionHandler;
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1); for tests. */
  readonly random?: () => number;
}

/** What is wanted and forgotten goes out at most this often; the first at once, because an app waits for it. */
const gatherMs = 20;

/**
 * Where a stream was lost and its replica is gone, the Service may bring the next connections there, too: so many are tried in a
 * hurry where nobody listens, which costs nobody anything. Who is answered but not served waits longer each time, as ever.
 */
const hurriedTries = 4;
const hurriedMs = 100;

/** Whether anything was heard at all is looked at this often; see BeatWatch for what notices sooner. */
const looks = 3;

type State =
  | { readonly phase: 'idle' }
  | { readonly phase: 'connecting'; readonly stop: AbortController }
  /** Subscribed; `heard` once the control plane has answered, so that it took us. */
  | { readonly phase: 'connected'; readonly socket: TLSSocket; readonly heard: boolean }
  | { readonly phase: 'resting'; readonly cancel: Cancel }
  | { readonly phase: 'closed' };

/**
 * A proxy's stream to the control plane. It keeps trying for as long as it lives, and while the control plane is away the sink
 * keeps what it has. Renewed credentials mean a new connection, over which nothing that is known is applied again.
 */
export class DiscoveryClient implements ResourceStream {
  readonly #options: DiscoveryClientOptions;
  readonly #received: Received;
  readonly #backoff: Backoff;
  readonly #batch = new KeyBatch();
  readonly #programs: ProgramFetch;
  /** Set while what is wanted is gathered. */
  #stopGathering: Cancel | undefined;
  #state: State = { phase: 'idle' };
  #unsubscribe: () => void = () => {};
  #stopWatching: Cancel = () => {};
  #serial = '';
  readonly #beats: BeatWatch;
  /** Set while another replica is looked for, beside the silent connection. */
  #elsewhere: AbortController | undefined;
  #hurried = 0;
  /** Looks since something was heard: this process may have been stopped itself, so that times say nothing. */
  #unheard = 0;
  /** What the sink was told last. */
  #up = false;

  constructor(options: DiscoveryClientOptions) {
    this.#options = options;
    this.#received = new Received(options.sink);
    this.#programs = new ProgramFetch(options.clock, message => {
      this.#send(message);
      return this.#state.phase === 'connected';
    });
    this.#backoff = new Backoff(undefined, options.random);
    this.#beats = new BeatWatch(options.clock, everyMs => this.#lookElsewhere(everyMs));
  }

  /** Begins to connect, or waits for the first credentials. */
  start(): void {
    const { credentials, clock, sink } = this.#options;
    this.#stopWatching = clock.every(SILENCE_MS / looks, () => this.#checkAlive());
    sink.connection(false, 'waiting for a certificate');
    this.#unsubscribe = credentials.subscribe(renewed => this.#renewed(renewed));
  }

  want(key: string): void {
    const fault = keyFault(key);
    if (fault !== undefined) {
      // Answered here and never asked for: the control plane would have to refuse it at every connection anew.
      setImmediate(() => {
        if (this.#state.phase !== 'closed') this.#options.sink.apply(refusedDestination(key, fault));
      });
      return;
    }
    if (!this.#received.want(key) || this.#state.phase !== 'connected') return;
    this.#batch.want(key);
    this.#sendBatch();
  }

  forget(key: string): void {
    if (!this.#received.forget(key) || this.#state.phase !== 'connected') return;
    this.#batch.forget(key);
    this.#sendBatch();
  }

  /** See ProgramFetch. */
  program(digest: string): Promise<Buffer> {
    return this.#programs.fetch(digest);
  }

  close(): void {
    this.#unsubscribe();
    this.#stopGathering?.();
    this.#stopWatching();
    this.#leave();
    this.#state = { phase: 'closed' };
  }

  /** Other roots alone need no new connection; another certificate does. */
  #renewed({ serial }: Credentials): void {
    if (this.#state.phase === 'closed' || serial === this.#serial) return;
    this.#serial = serial;
    this.#leave();
    void this.#connect();
  }

  /** Drops what is under way, without a word to the sink. */
  #leave(): void {
    const state = this.#state;
    this.#state = { phase: 'idle' };
    this.#expectNothing();
    this.#options.questions?.over();
    this.#programs.lost();
    if (state.phase === 'connecting') state.stop.abort();
    if (state.phase === 'resting') state.cancel();
    if (state.phase === 'connected') state.socket.destroy();
  }

  async #connect(): Promise<void> {
    const { controlPlane, credentials } = this.#options;
    const stop = new AbortController();
    this.#state = { phase: 'connecting', stop };
    try {
      const socket = await connectAnyReplica(controlPlane, credentials.credentials, AT_FIRST, stop.signal);
      if (stop.signal.aborted) {
        socket.destroy();
        return;
      }
      this.#connected(socket);
    } catch (thrown) {
      if (stop.signal.aborted) return;
      if (isRefused(thrown) && this.#hurried-- > 0) this.#rest(hurriedMs * (0.5 + Math.random()));
      else this.#lost(errorMessage(thrown));
    }
  }

  #connected(socket: TLSSocket): void {
    const { namespace, pod, machine, proxyVersion, questions } = this.#options;
    this.#state = { phase: 'connected', socket, heard: false };
    this.#unheard = 0;
    this.#received.begin();
    const reader = new LineReader(MAX_LINE_BYTES);
    const isCurrent = (): boolean => this.#state.phase === 'connected' && this.#state.socket === socket;
    const lost = (why: string): void => {
      if (!isCurrent()) return;
      socket.destroy();
      this.#lost(why);
    };
    const failed = (): void => {
      socket.destroy();
      lost(INTERNAL_ERROR);
    };
    socket.on('error', error => lost(`the connection broke: ${error.message}`));
    socket.on('close', () => lost('the control plane closed the connection'));
    const received = (chunk: Buffer): void => {
      if (isCurrent()) this.#heard();
      let trouble = 'the control plane sent a line that is too long';
      // The answers to what came together leave together: forty of them at the start, and as many records otherwise.
      socket.cork();
      const fine = reader.push(chunk, line => {
        const found = isCurrent() ? this.#line(line, socket) : '';
        if (found !== undefined) trouble = found;
        return found === undefined;
      });
      socket.uncork();
      if (!fine) lost(trouble);
    };
    socket.on('data', guarded('discovery.data', received, failed));
    const answers = questions?.kinds ?? [];
    this.#send({ type: 'hello', namespace, pod, proxyVersion, answers, ...(machine && { machine }) });
    this.#batch.clear();
    for (const keys of inBatches(this.#received.wanted)) this.#send({ type: 'subscribe', keys });
  }

  /** Handles one message; what is returned is why the connection cannot go on. */
  #line(line: string, socket: TLSSocket): string | undefined {
    let message: ServerMessage;
    try {
      message = JSON.parse(line) as ServerMessage;
    } catch {
      return 'the control plane sent a line that is not JSON';
    }
    switch (message?.type) {
      case undefined:
        return 'the control plane sent a line that is no message';
      case 'error':
        return `the control plane refused this proxy (${message.code}): ${message.message}`;
      case 'ping':
        this.#send({ type: 'pong' });
        return undefined;
      case 'beat':
        this.#beats.expect(message.everyMs);
        return undefined;
      case 'resource':
      case 'endpoints-change': {
        this.#accepted(socket);
        const answer = this.#received.apply(message);
        if (answer) this.#send(answer);
        return answer ? undefined : 'a change does not fit what was sent before';
      }
      case 'ask': {
        const writer = new AnswerWriter(message.id, socket);
        if (this.#options.questions) this.#options.questions.ask(message, writer);
        else writer.done('this proxy answers no questions');
        return undefined;
      }
      case 'unask':
        this.#options.questions?.unask(message.id);
        return undefined;
      case 'program':
        this.#programs.heard(message);
        return undefined;
      default:
        return undefined;
    }
  }

  /** The first resource means that the control plane has taken us. */
  #accepted(socket: TLSSocket): void {
    if (this.#state.phase !== 'connected' || this.#state.heard) return;
    this.#state = { phase: 'connected', socket, heard: true };
    this.#backoff.reset();
    if (this.#up) return;
    this.#up = true;
    this.#options.log.info({}, 'connected to the control plane');
    this.#options.sink.connection(true, 'connected to the control plane');
  }

  #lost(why: string): void {
    const { log, sink } = this.#options;
    const delayMs = this.#backoff.next();
    this.#expectNothing();
    this.#hurried = this.#state.phase === 'connected' && this.#state.heard ? hurriedTries : 0;
    this.#rest(delayMs);
    const { failures } = this.#backoff;
    // A control plane that is away for a night fills no log: told at the 1st, 2nd, 4th, 8th … failure.
    if ((failures & (failures - 1)) === 0) {
      const fields = { why, failures, nextAttemptMs: Math.round(delayMs) };
      log.warn(fields, `no connection to the control plane, going on with what is known: ${why}`);
    }
    this.#up = false;
    this.#options.questions?.over();
    this.#programs.lost();
    sink.connection(false, why);
  }

  #rest(delayMs: number): void {
    const { clock } = this.#options;
    this.#state = { phase: 'resting', cancel: clock.after(delayMs, () => void this.#connect()) };
  }

  /** Says at once what is wanted and forgotten, unless that was said just now: then what comes meanwhile is said together. */
  #sendBatch(): void {
    if (this.#stopGathering) return;
    for (const message of this.#batch.take()) this.#send(message);
    this.#stopGathering = this.#options.clock.after(gatherMs, () => {
      this.#stopGathering = undefined;
      for (const message of this.#batch.take()) this.#send(message);
    });
  }

  #send(message: ProxyMessage): void {
    if (this.#state.phase === 'connected') this.#state.socket.write(`${JSON.stringify(message)}\n`);
  }

  #checkAlive(): void {
    if (this.#state.phase !== 'connected' || ++this.#unheard <= looks) return;
    this.#state.socket.destroy();
    this.#lost(`nothing was heard of the control plane for ${SILENCE_MS / 1000} s`);
  }

  /** The control plane is there: there is no need for another. */
  #heard(): void {
    this.#unheard = 0;
    this.#beats.heard();
    this.#elsewhere?.abort();
    this.#elsewhere = undefined;
  }

  #expectNothing(): void {
    this.#beats.stop();
    this.#elsewhere?.abort();
    this.#elsewhere = undefined;
  }

  /**
   * The control plane misses its beats: it hangs, or it has much to do. Another connection is made beside this one, and counts
   * once a replica has answered it; where this one speaks before, nothing was lost. Proxies miss their beats one after the
   * other, as they were told, so that they do not come all at once.
   */
  #lookElsewhere(everyMs: number): void {
    if (this.#state.phase !== 'connected' || this.#elsewhere) return;
    const { controlPlane, credentials, log } = this.#options;
    const stop = new AbortController();
    this.#elsewhere = stop;
    connectAnyReplica(controlPlane, credentials.credentials, BESIDE_A_SILENT_ONE, stop.signal).then(
      socket => {
        if (stop.signal.aborted) {
          socket.destroy();
          return;
        }
        log.warn({ everyMs }, 'the control plane fell silent; another of its replicas took over');
        this.#leave();
        this.#connected(socket);
      },
      () => {
        if (this.#elsewhere !== stop) return;
        // Nobody is there, or all have much to do: looked for again after as many beats.
        this.#elsewhere = undefined;
        this.#beats.heard();
      },
    );
  }
}

/** Nobody listens there. */
function isRefused(thrown: unknown): boolean {
  const cause = thrown instanceof Error ? (thrown.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code === 'ECONNREFUSED';
}
