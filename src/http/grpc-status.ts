/** Of the field that tells how a gRPC call ended. Codecs note where it is in a head; see Head.grpcStatus. What it says: grpc/. */
export const GRPC_STATUS: Buffer = Buffer.from('grpc-status', 'latin1');
