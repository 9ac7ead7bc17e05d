// The event in which bytes of a connection come, or its end.
import { type NativeStream, stream } from './native.ts';
import { enterEvent, leaveEvent, leaveEventOpen } from './scratch.ts';

const { streamBaseState, kReadBytesOrError } = stream;
/**
 * What a record of TLS holds at most (RFC 8446 section 5.1). Each comes as an event of its own: after a full one the next is
 * mostly there already, from the same read of the kernel.
 */
const FULL_RECORD_BYTES = 16_384;

/** Who hears of it. */
interface ReadingWire {
  readonly secure: boolean;
  /** `length`: of what is in the read buffer, or a negative errno. */
  received(length: number): void;
  crash(where: string, thrown: unknown): void;
}

/** `onread` of a handle whose `wire` hears of it. */
export function onRead(this: NativeStream): void {
  const wire = this.wire as ReadingWire | undefined;
  if (wire === undefined) return;
  const length = streamBaseState[kReadBytesOrError]!;
  enterEvent();
  try {
    wire.received(length);
  } catch (thrown) {
    wire.crash('wire.read', thrown);
  }
  if (length === FULL_RECORD_BYTES && wire.secure) leaveEventOpen();
  else leaveEvent();
}
