// The cases of gRPC's interoperability tests that say something of what lies between client and server (no compression, which
// proxies do not read, and no logins).

/** Under the names that every implementation's own interop programs know. */
export const CASES = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'unimplemented_method',
  'unimplemented_service',
  'custom_metadata',
] as const;

export type Case = (typeof CASES)[number];

/** Sizes, in bytes, as the description of the interop tests gives them. */
export const SIZES = {
  large: { request: 271_828, response: 314_159 },
  requests: [27_182, 8, 1_828, 45_904],
  responses: [31_415, 9, 2_653, 58_979],
} as const;

/** What a server gives back: the first as a header, the second as a trailer. */
export const ECHOED = {
  initial: 'x-grpc-test-echo-initial',
  trailing: 'x-grpc-test-echo-trailing-bin',
} as const;
