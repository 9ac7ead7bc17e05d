/** The part of an answer that matters to a probe. */
export interface ProbeAnswer {
  readonly status: number;
  /** '' where there is none. */
  readonly location: string;
}

/** A longer head is refused. */
const maxHeadBytes = 128 << 10;
/** The kubelet reads this much of a body and no more. */
const maxBodyBytes = 10 << 10;
/** With the framing of chunks of one byte around it. */
const maxRawBytes = 8 * maxBodyBytes;
/** Interim answers that are skipped, as Go's client does. */
const maxInterim = 5;

type Framing = 'none' | 'chunked' | 'close' | number;

/**
 * Reads one answer as leniently as it can: apps that the kubelet understands must not fail because a proxy stands between. `feed`
 * tells when it is complete, or when as much of its body has come as the kubelet reads.
 */
export class AnswerReader {
  #bytes: Buffer = Buffer.alloc(0);
  #answer: ProbeAnswer | undefined;
  #framing: Framing = 'close';
  #interim = 0;

  /** Undefined: more is needed. A text: why this is no answer. */
  feed(chunk: Buffer): ProbeAnswer | string | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#answer === undefined) {
      if (!/^(?:H|HT|HTT|HTTP.*)?$/s.test(this.#bytes.toString('latin1', 0, 8)))
        return 'the answer is no HTTP';
      const head = headEnd(this.#bytes);
      if (head < 0)
        return this.#bytes.length > maxHeadBytes ? 'the head of the answer is too large' : undefined;
      const fault = this.#readHead(this.#bytes.toString('latin1', 0, head));
      if (fault !== undefined) return fault;
      this.#bytes = this.#bytes.subarray(head);
    }
    return this.#bodyIsRead() ? this.#answer : undefined;
  }

  /** The connection has ended: what that makes of the answer. */
  end(): ProbeAnswer | string {
    if (this.#answer === undefined) return 'the connection ended without an answer';
    return this.#framing === 'close' ? this.#answer : 'the connection ended in the middle of the answer';
  }

  /** The answer as far as its head, for who does not care about the body. */
  get head(): ProbeAnswer | undefined {
    return this.#answer;
  }

  #readHead(text: string): string | undefined {
    const [first, ...lines] = text.split(/\r?\n/);
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?!\d)/.exec(first!)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) return 'the answer is no HTTP';
    if (status >= 100 && status < 200 && status !== 101)
      return ++this.#interim > maxInterim ? 'there is no end of interim answers' : undefined;
    const headerOf = (name: string): string =>
      lines
        .find(line => line.slice(0, name.length + 1).toLowerCase() === `${name}:`)
        ?.slice(name.length + 1)
        .trim() ?? '';
    this.#answer = { status, location: headerOf('location') };
    const length = headerOf('content-length');
    if (status === 204 || status === 304 || status < 200) this.#framing = 'none';
    else if (/chunked$/i.test(headerOf('transfer-encoding'))) this.#framing = 'chunked';
    else if (/^\d+$/.test(length)) this.#framing = Number(length);
    return undefined;
  }

  #bodyIsRead(): boolean {
    const { length } = this.#bytes;
    if (this.#framing === 'none') return true;
    if (this.#framing === 'close') return length >= maxBodyBytes;
    if (this.#framing !== 'chunked') return length >= Math.min(this.#framing, maxBodyBytes);
    return length >= maxRawBytes || chunksAreRead(this.#bytes);
  }
}

/** Where the head ends; negative when it has not come yet. */
function headEnd(bytes: Buffer): number {
  const end = /\r?\n\r?\n/.exec(bytes.toString('latin1', 0, maxHeadBytes + 4));
  return end === null ? -1 : end.index + end[0].length;
}

/** Whether the last chunk has come, or enough of the others. */
function chunksAreRead(raw: Buffer): boolean {
  let data = 0;
  for (let at = 0; ; ) {
    const end = raw.indexOf(0x0a, at);
    if (end < 0) return false;
    const size = Number.parseInt(raw.toString('latin1', at, end), 16);
    // What is no chunk is not the probe's to judge.
    if (Number.isNaN(size)) return true;
    if (size === 0) return /\n\r?\n/.test(raw.toString('latin1', at));
    data += Math.min(size, raw.length - end - 1);
    if (data >= maxBodyBytes) return true;
    at = raw.indexOf(0x0a, end + 1 + size) + 1;
    if (at === 0) return false;
  }
}
