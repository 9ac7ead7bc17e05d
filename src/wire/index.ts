// wire: connections as bytes. A Wire reads into one shared buffer and calls its handler; writes collect in one scratch
// buffer that is flushed once per event. Knows no protocol. In: addresses and file descriptors. Out: bytes.
export { ByteCollector } from './byte-collector.ts';
export { crowding, noteGrowth, watchGrowth } from './crowding.ts';
export { type DescriptorUse, descriptorUse, limitDescriptors, watchDescriptors } from './descriptors.ts';
export { type Dial, type Dialer, dial } from './dial.ts';
export { becomeUser, keepForeignRight } from './foreign-right.ts';
export { loadForeignSource } from './foreign-source.ts';
export { saveMemory } from './holding.ts';
export { acceptInherited, inheritSockets, type ListeningSocket } from './inherited.ts';
export { Listener, type ListenOptions } from './listener.ts';
export {
  type AddressInfo,
  checkNative,
  END_OF_STREAM,
  errorName,
  type NativeStream,
  type NativeTcp,
  readResult,
} from './native.ts';
export { Progress } from './progress.ts';
export {
  enterEvent,
  flushFor,
  isOwner,
  leaveEvent,
  reserve,
  SCRATCH_BYTES,
  type ScratchOwner,
  scratch,
} from './scratch.ts';
export {
  type Acknowledged,
  acknowledgedBytes,
  keepAlive,
  loadSocketOptions,
  type OriginalDestination,
  originalDestination,
} from './socket-options.ts';
export type { ByteStream, WireHandler, WireOwner } from './wire.interface.ts';
export { Wire } from './wire.ts';
export { wireOverTcp } from './wire-over-tcp.ts';
