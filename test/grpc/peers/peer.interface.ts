import type { Case } from '../cases.ts';

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** One implementation of gRPC, as two programs: they speak plaintext on loopback. */
export interface GrpcPeer {
  readonly name: 'grpc-go' | 'grpc-js' | 'grpcio' | 'grpc-java';
  /** Why it cannot run here; false when it can. */
  missing(): string | false;
  /** Serves the interop service on this port until it is told to end. */
  server(port: number): Command;
  /** Runs these cases one after the other; ends with something but 0 where one failed, and says which. */
  client(port: number, cases: readonly Case[]): Command;
  /** Its client takes one case only. */
  readonly oneByOne?: true;
}
