/** A header field of an answer of Weft's own: name, as it is sent, and value, each character a byte. Both must be valid HTTP. */
export type Field = readonly [name: string, value: string];

/**
 * An answer of Weft's own: what it says, and nothing of how that is written. The codec of the client's connection adds what
 * frames it; see writeLocalReply in http1/.
 */
export interface LocalReply {
  readonly status: number;
  /** '' for none. A field of that name goes over it. */
  readonly contentType: string;
  readonly body: string;
  readonly fields: readonly Field[];
  /** Whether the connection must end after it. */
  readonly close: boolean;
  /** What it is to a gRPC client, where that is otherwise than its status says. */
  readonly grpcStatus?: number;
}

export const NO_FIELDS: readonly Field[] = [];
