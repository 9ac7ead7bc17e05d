import type { TcpSeries } from '../../telemetry/index.ts';
import type { ByteStream, WireHandler } from '../../wire/index.ts';

/** Learns that a tunnel is over. */
export type TunnelEnd = (side: 'downstream' | 'upstream' | 'both', error: string) => void;

/** One side of a tunnel: what it receives, the other side sends. */
class Side implements WireHandler {
  other!: Side;
  readonly wire: ByteStream;
  readonly #tunnel: Tunnel;
  readonly #isDownstream: boolean;

  constructor(wire: ByteStream, tunnel: Tunnel, isDownstream: boolean) {
    this.wire = wire;
    this.#tunnel = tunnel;
    this.#isDownstream = isDownstream;
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#tunnel.count(this.#isDownstream, end - start);
    if (!this.other.wire.write(bytes, start, end)) this.wire.pause();
  }

  onEnd(): void {
    this.other.wire.end();
  }

  onDrain(): void {
    this.other.wire.resume();
  }

  onClose(error: string): void {
    this.#tunnel.closed(this.#isDownstream, error);
    const other = this.other.wire;
    // What one side suffered, the other sees: a reset as a reset, an end as an end. A side that has ended itself closes when
    // everything that was meant for it is sent.
    if (error === '' && other.ended) other.end();
    else other.reset(error);
  }
}

/** Carries opaque bytes between two wires, or what behaves as such: back-pressure, half-close and resets go through. */
export class Tunnel {
  readonly #end: TunnelEnd;
  #series: TcpSeries | undefined;
  readonly downstream: Side;
  readonly upstream: Side;
  receivedBytes = 0;
  sentBytes = 0;
  #firstClosed: 'downstream' | 'upstream' | undefined;
  #firstError = '';

  constructor(downstream: ByteStream, upstream: ByteStream, end: TunnelEnd) {
    this.#end = end;
    this.downstream = new Side(downstream, this, true);
    this.upstream = new Side(upstream, this, false);
    this.downstream.other = this.upstream;
    this.upstream.other = this.downstream;
  }

  /**
   * Joins the wires. `toUpstream` and `toDownstream`: bytes that were read before. `opened` is called before any byte goes on, so
   * that what it writes to the client goes first.
   */
  start(toUpstream: Buffer | undefined, toDownstream: Buffer | undefined, opened?: () => void): void {
    const { downstream, upstream } = this;
    downstream.wire.handler = downstream;
    upstream.wire.handler = upstream;
    opened?.();
    if (toUpstream !== undefined) downstream.onData(toUpstream, 0, toUpstream.length);
    if (toDownstream !== undefined) upstream.onData(toDownstream, 0, toDownstream.length);
    if (downstream.wire.ended) upstream.wire.end();
    if (upstream.wire.ended) downstream.wire.end();
    if (upstream.wire.writable()) downstream.wire.resume();
    if (downstream.wire.writable()) upstream.wire.resume();
  }

  /** Where its bytes are counted; undefined while, and where, they are nobody's. */
  get series(): TcpSeries | undefined {
    return this.#series;
  }

  /** Counts its bytes there, those that have gone by already as well. To be called once. */
  countIn(series: TcpSeries): void {
    this.#series = series;
    series.receivedBytes += this.receivedBytes;
    series.sentBytes += this.sentBytes;
  }

  /** For its sides only. */
  count(fromDownstream: boolean, bytes: number): void {
    const series = this.#series;
    if (fromDownstream) {
      this.receivedBytes += bytes;
      if (series !== undefined) series.receivedBytes += bytes;
    } else {
      this.sentBytes += bytes;
      if (series !== undefined) series.sentBytes += bytes;
    }
  }

  /** For its sides only. The tunnel is over when both sides are, and its end is the one that came first. */
  closed(isDownstream: boolean, error: string): void {
    if (this.#firstClosed === undefined) {
      this.#firstClosed = isDownstream ? 'downstream' : 'upstream';
      this.#firstError = error;
      return;
    }
    const bothEnded = this.#firstError === '' && this.downstream.wire.ended && this.upstream.wire.ended;
    this.#end(bothEnded ? 'both' : this.#firstClosed, this.#firstError);
  }
}
