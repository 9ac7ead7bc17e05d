// gRPC's interop client, by @grpc/grpc-js: node client.ts --port=N --cases=empty_unary,…
// Prints a line for each case, and ends with 1 where one failed.
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { type Case, ECHOED, SIZES } from '../../cases.ts';
import {
  type SimpleRequest,
  type SimpleResponse,
  type StreamingInputCallResponse,
  type StreamingOutputCallRequest,
  type StreamingOutputCallResponse,
  TestService,
  UnimplementedService,
} from './service.ts';

const { values } = parseArgs({
  options: { port: { type: 'string' }, cases: { type: 'string', default: '' } },
});
const address = `127.0.0.1:${values.port}`;
const client = new TestService(address, credentials.createInsecure());
const other = new UnimplementedService(address, credentials.createInsecure());

const body = (size: number): { body: Buffer } => ({ body: Buffer.alloc(size) });
const size = (response: SimpleResponse): number => response.payload?.body.length ?? 0;

/** What came of a unary call. */
interface Outcome<T> {
  readonly answer?: T;
  readonly error?: ServiceError;
  readonly headers?: Metadata;
  readonly status: StatusObject;
}

function unary<T>(
  of: typeof client,
  method: string,
  request: object,
  metadata = new Metadata(),
): Promise<Outcome<T>> {
  return new Promise(resolve => {
    let [answer, error, headers]: [T?, ServiceError?, Metadata?] = [];
    const call = of[method]!(request, metadata, (failed: ServiceError | null, given?: T) => {
      error = failed ?? undefined;
      answer = given;
    });
    call.on('metadata', (given: Metadata) => {
      headers = given;
    });
    call.on('status', (given: StatusObject) =>
      // After the callback, whichever came first.
      setImmediate(() =>
        resolve({
          ...(answer !== undefined && { answer }),
          ...(error !== undefined && { error }),
          ...(headers !== undefined && { headers }),
          status: given,
        }),
      ),
    );
  });
}

type Responses = ClientReadableStream<StreamingOutputCallResponse>;
type Duplex = ClientDuplexStream<StreamingOutputCallRequest, StreamingOutputCallResponse>;

/** All answers of a stream, and its status. `onAnswer` hears each. */
function collected(
  call: Responses | Duplex,
  onAnswer: (count: number) => void = () => {},
): Promise<{ sizes: number[]; status: StatusObject }> {
  return new Promise(resolve => {
    const sizes: number[] = [];
    call.on('data', (answer: StreamingOutputCallResponse) => {
      sizes.push(size(answer));
      onAnswer(sizes.length);
    });
    call.on('error', () => {});
    call.on('status', (given: StatusObject) => setImmediate(() => resolve({ sizes, status: given })));
  });
}

const duplex = (metadata = new Metadata(), options: object = {}): Duplex =>
  client.fullDuplexCall!(metadata, options) as Duplex;
const large: SimpleRequest = { responseSize: SIZES.large.response, payload: body(SIZES.large.request) };

/** A status that the server is asked for, over a unary call and over a stream. */
async function echoedStatus(code: number, message: string): Promise<void> {
  const { error } = await unary(client, 'unaryCall', { responseStatus: { code, message } });
  assert.deepEqual([error?.code, error?.details], [code, message]);
  const call = duplex();
  const all = collected(call);
  call.write({ responseStatus: { code, message } });
  call.end();
  const given = (await all).status;
  assert.deepEqual([given.code, given.details], [code, message]);
}

const cases: Readonly<Record<Case, () => Promise<void>>> = {
  async empty_unary() {
    const { answer, status: given } = await unary(client, 'emptyCall', {});
    assert.deepEqual([answer, given.code], [{}, status.OK]);
  },
  async large_unary() {
    const { answer, error } = await unary<SimpleResponse>(client, 'unaryCall', large);
    assert.equal(error, undefined);
    assert.equal(size(answer!), SIZES.large.response);
  },
  async client_streaming() {
    const sum = await new Promise<number>((resolve, reject) => {
      const call = client.streamingInputCall!(
        (error: ServiceError | null, answer?: StreamingInputCallResponse) =>
          error ? reject(error) : resolve(answer!.aggregatedPayloadSize),
      );
      for (const each of SIZES.requests) call.write({ payload: body(each) });
      call.end();
    });
    assert.equal(
      sum,
      SIZES.requests.reduce((total, each) => total + each, 0),
    );
  },
  async server_streaming() {
    const responseParameters = SIZES.responses.map(each => ({ size: each }));
    const { sizes, status: given } = await collected(
      client.streamingOutputCall!({ responseParameters }) as Responses,
    );
    assert.deepEqual([sizes, given.code], [SIZES.responses, status.OK]);
  },
  async ping_pong() {
    const call = duplex();
    const ping = (index: number): void => {
      const [request, response] = [SIZES.requests[index], SIZES.responses[index]];
      if (request === undefined) call.end();
      else call.write({ responseParameters: [{ size: response! }], payload: body(request) });
    };
    const all = collected(call, ping);
    ping(0);
    const { sizes, status: given } = await all;
    assert.deepEqual([sizes, given.code], [SIZES.responses, status.OK]);
  },
  async empty_stream() {
    const call = duplex();
    const all = collected(call);
    call.end();
    const { sizes, status: given } = await all;
    assert.deepEqual([sizes, given.code], [[], status.OK]);
  },
  async timeout_on_sleeping_server() {
    const call = duplex(new Metadata(), { deadline: Date.now() + 1 });
    const all = collected(call);
    call.write({ payload: body(SIZES.requests[0]) });
    assert.equal((await all).status.code, status.DEADLINE_EXCEEDED);
  },
  async cancel_after_begin() {
    const failed = await new Promise<ServiceError | null>(resolve =>
      client.streamingInputCall!((error: ServiceError | null) => resolve(error)).cancel(),
    );
    assert.equal(failed?.code, status.CANCELLED);
  },
  async cancel_after_first_response() {
    const call = duplex();
    const all = collected(call, () => call.cancel());
    call.write({ responseParameters: [{ size: SIZES.responses[0] }], payload: body(SIZES.requests[0]) });
    const { sizes, status: given } = await all;
    assert.deepEqual([sizes, given.code], [[SIZES.responses[0]], status.CANCELLED]);
  },
  status_code_and_message: () => echoedStatus(status.UNKNOWN, 'test status message'),
  async special_status_message() {
    const message = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n';
    const { error } = await unary(client, 'unaryCall', { responseStatus: { code: status.UNKNOWN, message } });
    assert.deepEqual([error?.code, error?.details], [status.UNKNOWN, message]);
  },
  async unimplemented_method() {
    assert.equal((await unary(client, 'unimplementedCall', {})).error?.code, status.UNIMPLEMENTED);
  },
  async unimplemented_service() {
    assert.equal((await unary(other, 'unimplementedCall', {})).error?.code, status.UNIMPLEMENTED);
  },
  async custom_metadata() {
    const metadata = new Metadata();
    metadata.set(ECHOED.initial, 'test_initial_metadata_value');
    metadata.set(ECHOED.trailing, Buffer.from('ababab', 'hex'));
    const good = (headers: Metadata | undefined, trailers: Metadata): void => {
      assert.deepEqual(headers?.get(ECHOED.initial), ['test_initial_metadata_value']);
      assert.deepEqual(trailers.get(ECHOED.trailing), [Buffer.from('ababab', 'hex')]);
    };
    const { error, headers, status: given } = await unary(client, 'unaryCall', large, metadata);
    assert.equal(error, undefined);
    good(headers, given.metadata);
    const call = duplex(metadata);
    let first: Metadata | undefined;
    call.on('metadata', (seen: Metadata) => {
      first = seen;
    });
    const all = collected(call);
    call.write({ responseParameters: [{ size: SIZES.large.response }], payload: body(SIZES.large.request) });
    call.end();
    const ended = (await all).status;
    assert.equal(ended.code, status.OK);
    good(first, ended.metadata);
  },
};

for (const name of values.cases.split(',') as Case[]) {
  try {
    await cases[name]();
    console.log(`passed ${name}`);
  } catch (error) {
    console.log(`failed ${name}: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
// Calls that were given up keep a channel of theirs open for a while.
process.exit();
