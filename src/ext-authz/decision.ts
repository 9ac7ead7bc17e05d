import type { Field } from '../http/index.ts';

/** What an authorizer says of a request. Names are in lower case, each character of a value is a byte. */
export type Decision = Allowed | Denied | Failed;

export interface Allowed {
  readonly kind: 'allowed';
  /** Put into the request in place of what the client sent under their names. */
  readonly set: readonly Field[];
  /** Put into the request beside it. */
  readonly append: readonly Field[];
  /** Taken out of the request. */
  readonly remove: readonly string[];
  /** For the client, with the app's answer. */
  readonly toClient: readonly Field[];
}

export interface Denied {
  readonly kind: 'denied';
  readonly status: number;
  readonly fields: readonly Field[];
  readonly body: string;
}

/** It could not be asked, or its answer means nothing. */
export interface Failed {
  readonly kind: 'failed';
  /** Lowercase. */
  readonly why: string;
}

/** A request as authorizers are told of it. Everything of it is text whose characters are bytes. */
export interface Question {
  readonly method: string;
  /** Normalised, with its query. */
  readonly target: string;
  /** '' where it has none. */
  readonly authority: string;
  /** In their order, names in lower case, without Host. */
  readonly fields: readonly Field[];
  /** Undefined where it is not asked about. */
  readonly body: Buffer | undefined;
  /** Whether the body is longer than what is told. */
  readonly isPartial: boolean;
  readonly scheme: 'http' | 'https';
  /** As the access log has it: `HTTP/1.1`. */
  readonly protocol: string;
  readonly source: { readonly address: string; readonly port: number; readonly principal: string };
  readonly destination: { readonly address: string; readonly port: number; readonly principal: string };
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly id: string;
}

/** A connection whose bytes are not read, as authorizers are told of it. */
export interface ConnectionQuestion extends Pick<Question, 'source' | 'destination' | 'atMs'> {
  /** The name that its ClientHello asked for; '' for none. */
  readonly serverName: string;
}
