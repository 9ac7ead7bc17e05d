// One connection of HTTP/2, whichever side we are: frames in, streams out, windows, settings, and what ends it (RFC 9113).
import { INTERNAL_ERROR } from '../errors/index.ts';
import { Decoder, Encoder, FieldList, hpackWords } from '../hpack/index.ts';
import { Deadline } from '../time/index.ts';
import type { Wire, WireHandler } from '../wire/index.ts';
import { ACCOUNT, ANOMALY, Anomalies } from './anomalies.ts';
import { onControl } from './control-frames.ts';
import { FAULT } from './faults.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { ERROR, FLAGS, FRAME, INITIAL_WINDOW, LARGEST_STREAM_ID } from './frames.ts';
import { DRAIN_ROUND_TRIP_MS, type Http2Options } from './options.ts';
import { QuietPeer } from './quiet-peer.ts';
import { ReceiveFlow } from './receive-flow.ts';
import { SendQueue } from './send-queue.ts';
import { PeerSettings } from './settings.ts';
import { Stalls } from './stalls.ts';
import type { Stream } from './stream.ts';
import { StreamTable } from './stream-table.ts';
import { writeGoaway, writeNumber, writePing, writeSettings } from './write-frames.ts';

/** The fields of the block under way, of whichever connection of this thread. */
export const list: FieldList = new FieldList();

/** How far our GOAWAY is. */
const LEAVING = { NO: 0, ANNOUNCED: 1, SAID: 2 } as const;
/** A block that decodes to so many times the limit is no mistake. */
const abuseFactor = 4;
const resetsKept = 64;
const drainMark = Buffer.from('weftdrai', 'latin1');

export abstract class Connection implements WireHandler, FrameSink {
  readonly wire: Wire;
  readonly options: Http2Options;
  readonly out: SendQueue;
  readonly encoder: Encoder;
  readonly flow: ReceiveFlow;
  readonly peer = new PeerSettings();
  readonly streams = new StreamTable();
  /** The largest stream that the peer has begun. */
  protected lastPeerStream = 0;
  protected readonly reader: FrameReader;
  readonly #decoder = new Decoder();
  readonly #anomalies: Anomalies;
  readonly #deadline: Deadline;
  readonly #blockDeadline: Deadline;
  readonly #stalls: Stalls;
  readonly #quietPeer: QuietPeer | undefined;
  readonly isClient: boolean;
  #over = false;
  #leaving: number = LEAVING.NO;
  readonly #resets = new Int32Array(resetsKept);
  #resetAt = 0;
  #windowUpdates = 0;
  #streamsBegun = 0;
  #controlFrames = 0;
  /** No more requests are read until the peer has read answers. */
  heldBack = false;

  constructor(wire: Wire, options: Http2Options, isClient: boolean) {
    const { limits, clock, counts } = options;
    this.wire = wire;
    this.options = options;
    this.isClient = isClient;
    this.encoder = new Encoder(options.encoder);
    this.out = new SendQueue(wire, this.encoder, () => this.#stalls.watch());
    this.flow = new ReceiveFlow(this, limits);
    this.#anomalies = new Anomalies(limits, clock, counts);
    const blockLimits = {
      // One that is somewhat too large is a request that gets its 431, and not the end of all others.
      maxBlockBytes: limits.maxHeaderListBytes * 2,
      maxContinuations: limits.maxContinuations,
    };
    this.reader = new FrameReader(this.flow, this, blockLimits, !isClient);
    this.#deadline = new Deadline(() => this.#timedOut(), this);
    this.#blockDeadline = new Deadline(() => this.#blockTimedOut(), this);
    this.#stalls = new Stalls(this, options);
    if (options.quietPeer !== undefined) this.#quietPeer = new QuietPeer(this, options.quietPeer);
  }

  /** A block is complete: the fields are in `list`. The stream may be a new one. */
  protected abstract onFields(streamId: number, end: boolean): void;
  /** Whether the peer, or we, have begun this stream at some time. */
  abstract isIdle(streamId: number): boolean;
  /** The peer takes no streams above `lastStreamId`. */
  abstract onGoaway(lastStreamId: number, code: number, words: string): void;
  protected abstract onSettings(): void;
  /** All streams have heard that it is gone. */
  protected abstract onGone(): void;
  /** The last stream is over, or one more may begin. */
  protected abstract onRoom(): void;

  get over(): boolean {
    return this.#over;
  }
  get leaving(): boolean {
    return this.#leaving !== LEAVING.NO;
  }
  /** Whether new streams are passed over: the second GOAWAY has named the last one. */
  protected get refusing(): boolean {
    return this.#leaving === LEAVING.SAID;
  }

  /** Takes the wire over, says what we want, and reads. `first`: bytes that were read already. */
  protected begin(settings: readonly (readonly [number, number])[], first: Buffer | undefined): void {
    const { timers, prefaceTimeoutMs, limits } = this.options;
    this.wire.handler = this;
    writeSettings(this.wire, settings, this.isClient);
    this.flow.grow(limits.connectionWindow - INITIAL_WINDOW);
    timers.schedule(this.#deadline, prefaceTimeoutMs);
    if (first !== undefined) this.onData(first, 0, first.length);
    if (!this.wire.closed) this.wire.resume();
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.reader.read(bytes, start, end);
    if (this.#over) return;
    this.flow.report();
    this.out.sendReady();
    if (this.reader.withinBlock !== this.#blockDeadline.scheduled) this.#watchBlock();
    // What answers wait for a peer that does not read: no more of its requests. DATA waits in its streams before that.
    if (this.wire.pendingBytes > this.options.limits.maxOutputBytes && !this.isClient) {
      this.heldBack = true;
      this.wire.writable();
      this.wire.pause();
      this.#stalls.watch();
    }
  }

  onDrain(): void {
    if (this.heldBack) {
      this.heldBack = false;
      this.wire.resume();
    }
    if (!this.#over) this.out.sendReady();
  }

  onEnd(): void {
    // A peer that ends its side of the transport leaves no way to widen a window: nobody who means to read does that.
    this.wire.destroy();
  }

  onClose(error: string): void {
    const { timers } = this.options;
    timers.cancel(this.#deadline);
    timers.cancel(this.#blockDeadline);
    this.#stalls.stop();
    this.#quietPeer?.stop();
    this.reader.stop();
    const isFirst = !this.#over;
    this.#over = true;
    if (isFirst) this.#loseStreams(error);
    this.onGone();
  }

  /** Of a deadline; after an event the wire does the same. */
  onFault(): void {
    this.wire.reset(INTERNAL_ERROR);
  }

  /** Takes no new streams; says so in two steps, so that what is on its way is not lost; closes after the last. */
  protected announceLeaving(): void {
    if (this.#leaving !== LEAVING.NO || this.#over) return;
    this.#leaving = LEAVING.ANNOUNCED;
    writeGoaway(this.wire, LARGEST_STREAM_ID, ERROR.NO_ERROR, '');
    writePing(this.wire, 0, drainMark, 0);
    this.options.timers.schedule(this.#deadline, DRAIN_ROUND_TRIP_MS);
  }

  /** The second step: this was the last stream. */
  protected leave(): void {
    if (this.#leaving === LEAVING.SAID || this.#over) return;
    this.#leaving = LEAVING.SAID;
    this.options.timers.cancel(this.#deadline);
    writeGoaway(this.wire, this.lastPeerStream, ERROR.NO_ERROR, '');
    if (this.streams.size === 0) this.finish();
  }

  /** Ends in order: what was written arrives. */
  protected finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.reader.stop();
    this.wire.end();
    if (this.wire.closed) return;
    this.wire.resume();
    this.options.timers.schedule(this.#deadline, this.options.lingerMs);
  }

  /** The connection cannot go on: says why, and closes. */
  connectionError(code: number, words: string): void {
    if (this.#over) return;
    this.note(ANOMALY.CONNECTION_ERROR);
    writeGoaway(this.wire, this.lastPeerStream, code, words);
    this.finish();
    this.#loseStreams(words);
  }

  #loseStreams(words: string): void {
    for (const stream of this.streams.list()) {
      if (stream.id === 0) continue;
      stream.onConnectionLost(words);
      this.release(stream);
    }
  }

  /** Counts an anomaly; too many end the connection, in order or at once. */
  note(kind: number): void {
    const account = this.#anomalies.note(kind);
    if (account === ACCOUNT.FINE || this.#over) return;
    if (account === ACCOUNT.DRAIN) {
      if (!this.isClient) this.announceLeaving();
      return;
    }
    this.#anomalies.note(ANOMALY.TOO_MANY);
    this.connectionError(
      ERROR.ENHANCE_YOUR_CALM,
      'too many frames that are odd: resets, errors, empty or tiny ones',
    );
  }

  /** A stream is in use. */
  protected add(stream: Stream, id: number): void {
    const { limits, timers } = this.options;
    if (this.streams.size === 0 && this.#leaving === LEAVING.NO) timers.cancel(this.#deadline);
    stream.begin(id, this.peer.initialWindow, limits.streamWindow);
    this.streams.add(stream);
    this.#streamsBegun++;
    this.#quietPeer?.watch();
  }

  /** A stream is over. What it holds is given up. */
  release(stream: Stream): void {
    if (stream.id === 0) return;
    this.streams.remove(stream);
    this.flow.uncredited += stream.dropHeld();
    this.out.remove(stream);
    stream.dropQueue();
    stream.id = 0;
    stream.remoteOpen = false;
    stream.localOpen = false;
    if (this.#over) return;
    if (this.streams.size === 0) {
      if (this.#leaving === LEAVING.SAID) this.finish();
      else if (this.#leaving === LEAVING.NO)
        this.options.timers.schedule(this.#deadline, this.options.idleTimeoutMs);
    }
    this.onRoom();
  }

  /** RST_STREAM. What comes on it afterwards is passed over. */
  reset(id: number, code: number): void {
    if (this.#over) return;
    this.#resets[this.#resetAt] = id;
    this.#resetAt = (this.#resetAt + 1) % resetsKept;
    if (this.mayControl()) writeNumber(this.wire, FRAME.RST_STREAM, id, code);
  }

  /** Whether it was us who reset this stream, not long ago. */
  wasReset(id: number): boolean {
    return this.#resets.indexOf(id) >= 0;
  }

  /** What the peer sent on a stream is wrong: `fault` of its message, or FAULT.NONE. */
  streamError(stream: Stream, code: number, fault: number, words: string): void {
    const { id } = stream;
    if (id === 0) return;
    stream.onError(code, fault, words);
    if (stream.id === id) {
      this.reset(id, code);
      this.release(stream);
    } else this.reset(id, code);
    this.note(ANOMALY.STREAM_ERROR);
  }

  /** Answers to control frames that a peer does not read must not pile up. */
  mayControl(): boolean {
    if (this.wire.pendingBytes === 0) {
      this.#controlFrames = 0;
      return true;
    }
    if (++this.#controlFrames <= this.options.limits.maxQueuedControlFrames) return true;
    if (this.#over) return false;
    this.note(ANOMALY.CONTROL_FRAMES);
    this.#over = true;
    this.#loseStreams('the peer does not read what it asked for');
    this.wire.reset();
    return false;
  }

  onBlock(streamId: number, flags: number, bytes: Buffer, start: number, end: number): void {
    const { limits } = this.options;
    this.flow.worked = true;
    list.begin(limits.maxHeaderListBytes, limits.maxFields);
    const fault = this.#decoder.decode(bytes, start, end, list);
    if (fault < 0) {
      this.connectionError(ERROR.COMPRESSION_ERROR, hpackWords(fault));
      return;
    }
    if (list.over) {
      this.note(ANOMALY.HEADER_LIST);
      const isAbuse =
        list.size > limits.maxHeaderListBytes * abuseFactor || list.fields > limits.maxFields * abuseFactor;
      if (isAbuse) {
        this.connectionError(ERROR.ENHANCE_YOUR_CALM, 'a block of headers stands for far more than we take');
        return;
      }
    }
    this.onFields(streamId, (flags & FLAGS.END_STREAM) !== 0);
  }

  onPriority(streamId: number, parent: number): void {
    if (parent === streamId) {
      // Nothing is done with priorities; RFC 7540 section 5.3.1 wants this one to be an error all the same.
      const stream = this.streams.get(streamId);
      if (stream === undefined) this.connectionError(ERROR.PROTOCOL_ERROR, 'a stream depends on itself');
      else this.streamError(stream, ERROR.PROTOCOL_ERROR, FAULT.NONE, 'a stream depends on itself');
    }
    this.note(ANOMALY.PRIORITY);
  }

  onControl(type: number, streamId: number, flags: number, bytes: Buffer, start: number, end: number): void {
    onControl(this, type, streamId, flags, bytes, start, end);
  }

  onUnknown(): void {
    this.note(ANOMALY.UNKNOWN_FRAME);
  }

  onEmptyContinuation(): void {
    this.note(ANOMALY.EMPTY_CONTINUATION);
  }

  onFramingError(code: number, words: string): void {
    if (code === ERROR.ENHANCE_YOUR_CALM) this.note(ANOMALY.CONTINUATIONS);
    this.connectionError(code, words);
  }

  /** The answer to our PING: what was on its way when we announced that we leave has come. */
  onPong(bytes: Buffer, start: number): void {
    if (this.#leaving !== LEAVING.ANNOUNCED) return;
    for (let i = 0; i < drainMark.length; i++) if (bytes[start + i] !== drainMark[i]) return;
    this.leave();
  }

  /** How many streams have been begun, and a window update more has come: whether that is out of proportion (Envoy's rule). */
  onWindowUpdate(): void {
    this.#windowUpdates++;
    if (this.#windowUpdates > 5 + 2 * (this.#streamsBegun + 10 * this.out.dataFrames))
      this.note(ANOMALY.WINDOW_UPDATE);
  }

  /** The peer has said something new of itself. */
  settled(initialWindowBefore: number): void {
    const { peer } = this;
    this.encoder.allow(peer.headerTableBytes);
    if (!peer.known) {
      peer.begin();
      const { timers, idleTimeoutMs } = this.options;
      if (this.streams.size === 0 && this.#leaving === LEAVING.NO)
        timers.schedule(this.#deadline, idleTimeoutMs);
    }
    const by = peer.initialWindow - initialWindowBefore;
    if (by !== 0)
      for (const stream of this.streams.list()) {
        const code = stream.widen(by);
        if (code === 0) continue;
        this.connectionError(code, 'SETTINGS make the window of a stream too large');
        return;
      }
    this.onSettings();
  }

  #watchBlock(): void {
    const { timers, headTimeoutMs } = this.options;
    if (this.reader.withinBlock) timers.schedule(this.#blockDeadline, headTimeoutMs);
    else timers.cancel(this.#blockDeadline);
  }

  #blockTimedOut(): void {
    this.note(ANOMALY.SLOW_BLOCK);
    this.connectionError(ERROR.PROTOCOL_ERROR, 'a block of headers did not arrive in time');
  }

  #timedOut(): void {
    if (this.#over) this.wire.destroy();
    else if (this.#leaving === LEAVING.ANNOUNCED) this.leave();
    else if (!this.peer.known) {
      this.note(ANOMALY.SLOW_PREFACE);
      this.connectionError(ERROR.SETTINGS_TIMEOUT, 'no SETTINGS came in time');
    } else if (this.streams.size === 0) this.leave();
  }
}
