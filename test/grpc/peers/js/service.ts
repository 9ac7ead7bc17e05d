// gRPC's interop service for @grpc/grpc-js, with the messages that its cases use.
import { join } from 'node:path';
import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** Of `Payload`, `SimpleRequest`, …: see testing.proto. */
export interface Payload {
  readonly body: Buffer;
}
export interface EchoStatus {
  readonly code: number;
  readonly message: string;
}
export interface SimpleRequest {
  readonly responseSize?: number;
  readonly payload?: Payload | null;
  readonly responseStatus?: EchoStatus | null;
}
export interface SimpleResponse {
  readonly payload?: Payload | null;
}
export interface StreamingInputCallRequest {
  readonly payload?: Payload | null;
}
export interface StreamingInputCallResponse {
  readonly aggregatedPayloadSize: number;
}
export interface ResponseParameters {
  readonly size: number;
  readonly intervalUs?: number;
}
export interface StreamingOutputCallRequest extends SimpleRequest {
  readonly responseParameters?: readonly ResponseParameters[];
}
export type StreamingOutputCallResponse = SimpleResponse;

const loaded = loadPackageDefinition(
  loadSync(join(import.meta.dirname, '../testing.proto'), { defaults: true }),
);
const { testing } = loaded.grpc as unknown as {
  readonly testing: Readonly<Record<'TestService' | 'UnimplementedService', ServiceClientConstructor>>;
};

export const { TestService, UnimplementedService } = testing;
