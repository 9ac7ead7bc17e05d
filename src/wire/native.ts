// Node's own stream handles, the layer under net.Socket. net.Socket allocates a 64 KiB buffer and several objects per read
// and a request object per write; on the handles themselves every connection reads into one shared buffer and a write
// that the kernel takes at once allocates nothing. Measured on the proxied path: 14 against 16 µs per request, and no garbage.
// The image pins its Node, and `checkNative` refuses to start on one whose handles look different.
import { WeftError } from '../errors/index.ts';

/** A libuv stream as Node's C++ side offers it: TCP, or TLS over TCP. Errors are negative errno numbers. */
export interface NativeStream {
  /** Called with nread in `state[kRead]`: > 0 bytes are in the user buffer, 0 nothing, < 0 end or error. */
  onread: (this: NativeStream) => void;
  wire?: unknown;
  readonly fd: number;
  readStart(): number;
  readStop(): number;
  useUserBuffer(buffer: Uint8Array): void;
  writeBuffer(request: WriteRequest, buffer: Uint8Array): number;
  shutdown(request: ShutdownRequest): number;
  close(done?: (this: this) => void): void;
  getpeername(out: AddressInfo): number;
  getsockname(out: AddressInfo): number;
}

/** A TCP handle. */
export interface NativeTcp extends NativeStream {
  onconnection: (status: number, client: NativeTcp) => void;
  bind(address: string, port: number, flags?: number): number;
  bind6(address: string, port: number, flags?: number): number;
  listen(backlog: number): number;
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, delaySeconds: number): number;
  /** Closes with a TCP RST instead of a FIN. */
  reset(done?: (this: this) => void): number;
  ref(): void;
  unref(): void;
  open(fd: number): number;
}

/**
 * A request to the kernel. `oncomplete` is one function for all requests, which finds its own in a property of the request: a
 * request with a function of its own leaves everything that this function refers to, and so all of its connection, to the next
 * full collection (Node 24), as abandoned-connections.test.ts shows.
 */
export interface WriteRequest {
  oncomplete: (this: WriteRequest, status: number) => void;
  requester?: unknown;
  bytes?: Uint8Array;
}
export interface ShutdownRequest {
  oncomplete: (this: ShutdownRequest, status: number) => void;
  requester?: unknown;
}
export interface ConnectRequest {
  oncomplete: (this: ConnectRequest, status: number) => void;
  dial?: unknown;
}
export interface AddressInfo {
  address?: string;
  port?: number;
  family?: string;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => ShutdownRequest;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
  readonly streamBaseState: Int32Array;
}
interface TcpBinding {
  readonly TCP: new (type: number) => NativeTcp;
  readonly TCPConnectWrap: new () => ConnectRequest;
  readonly constants: { readonly SOCKET: number; readonly SERVER: number; readonly UV_TCP_IPV6ONLY: number };
}

type Bindings = (name: string) => unknown;
const binding = (process as unknown as { binding: Bindings }).binding;

/** node's `stream_wrap`. */
export const stream = binding('stream_wrap') as StreamBinding;
/** node's `tcp_wrap`. */
export const tcp = binding('tcp_wrap') as TcpBinding;
const uv = binding('uv') as { errname(error: number): string; UV_EOF: number };

/** The errno that libuv gives at the end of a stream. */
export const END_OF_STREAM: number = uv.UV_EOF;

/** What the call of `onread` that is under way is about: how many bytes, or a negative errno. */
export function readResult(): number {
  return stream.streamBaseState[stream.kReadBytesOrError]!;
}

/** `ECONNRESET` for -104. */
export function errorName(errno: number): string {
  return uv.errname(errno);
}

/** Refuses to run on a Node whose stream handles are not the ones that this room was written for. */
export function checkNative(): void {
  const prototype = tcp.TCP?.prototype as Partial<NativeTcp> | undefined;
  const missing = [
    stream.streamBaseState instanceof Int32Array ? '' : 'streamBaseState',
    typeof stream.WriteWrap === 'function' ? '' : 'WriteWrap',
    typeof stream.kReadBytesOrError === 'number' ? '' : 'kReadBytesOrError',
    typeof stream.kLastWriteWasAsync === 'number' ? '' : 'kLastWriteWasAsync',
    typeof prototype?.connect === 'function' ? '' : 'TCP.connect',
    typeof prototype?.reset === 'function' ? '' : 'TCP.reset',
  ].filter(Boolean);
  if (missing.length === 0) return;
  throw new WeftError(
    'node-not-supported',
    `node ${process.versions.node} lacks ${missing.join(', ')} in its stream handles; run weft with node 24`,
  );
}
