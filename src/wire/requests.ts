// What a wire asks of the kernel and hears of later: a write that was not taken at once, and the end of its side.
import { type ShutdownRequest, stream, type WriteRequest } from './native.ts';
import { enterEvent, leaveEvent } from './scratch.ts';

/** Whose requests they are. */
export interface Requester {
  written(request: WriteRequest, status: number): void;
  shutDown(status: number): void;
  crash(where: string, thrown: unknown): void;
}

export function newWrite(requester: Requester): WriteRequest {
  const request = new stream.WriteWrap();
  request.requester = requester;
  request.oncomplete = onWritten;
  return request;
}

export function newShutdown(requester: Requester): ShutdownRequest {
  const request = new stream.ShutdownWrap();
  request.requester = requester;
  request.oncomplete = onShutdown;
  return request;
}

function onWritten(this: WriteRequest, status: number): void {
  const requester = this.requester as Requester;
  enterEvent();
  try {
    requester.written(this, status);
  } catch (thrown) {
    requester.crash('wire.write', thrown);
  }
  leaveEvent();
}

function onShutdown(this: ShutdownRequest, status: number): void {
  const requester = this.requester as Requester;
  enterEvent();
  try {
    requester.shutDown(status);
  } catch (thrown) {
    requester.crash('wire.shutdown', thrown);
  }
  leaveEvent();
}
