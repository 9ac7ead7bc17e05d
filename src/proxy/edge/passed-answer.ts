import type { Flag } from '../../errors/index.ts';
import type { AnswerStream, Fields, Head, LocalReply, ServerStream } from '../../http/index.ts';

/** An answer that goes on as it comes. Those that change something of it on its way say only what. */
export abstract class PassedAnswer implements AnswerStream {
  protected readonly client: ServerStream;

  constructor(client: ServerStream) {
    this.client = client;
  }

  informational(head: Head): void {
    this.client.informational(head);
  }

  respond(head: Head, end: boolean): void {
    this.client.respond(head, end);
  }

  respondLocal(reply: LocalReply): void {
    this.client.respondLocal(reply);
  }

  data(bytes: Buffer, start: number, end: number): boolean {
    return this.client.data(bytes, start, end);
  }

  end(trailers: Fields | undefined): void {
    this.client.end(trailers);
  }

  abort(why: Flag, code?: number): void {
    this.client.abort(why, code);
  }

  finish(): void {
    this.client.finish();
  }

  pauseRequest(): void {
    this.client.pauseRequest();
  }

  resumeRequest(): void {
    this.client.resumeRequest();
  }

  /** Also of what it goes through next, where that is not a codec's. */
  detach(): void {
    (this.client as Partial<AnswerStream>).detach?.();
  }
}
