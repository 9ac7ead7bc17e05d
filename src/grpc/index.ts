// grpc: what gRPC means, and nothing of how it is carried: statuses and what they are in HTTP, deadlines, words of a status,
// messages in a body. Pure: fields and bytes in, numbers and texts out. The exchange asks it (proxy/exchange).
export { isGrpc, isGrpcType } from './content-type.ts';
export { httpStatusOf, ownStatus, statusOfHttp } from './http-status.ts';
export { Messages } from './messages.ts';
export { NO_STATUS, STATUS, statusName, statusNamed, statusOf } from './status.ts';
export { decodeMessage, encodeMessage, GRPC_MESSAGE } from './status-message.ts';
export { formatTimeout, GRPC_TIMEOUT, parseTimeout } from './timeout.ts';
export { Base64Reader, base64Of, trailersFrame, type WebCall, webCallOf } from './web.ts';
