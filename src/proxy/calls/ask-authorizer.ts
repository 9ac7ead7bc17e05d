import {
  CHECK_PATH,
  type ConnectionQuestion,
  checkRequest,
  connectionCheck,
  type Decision,
  HttpCheck,
  type Question,
  readCheckResponse,
} from '../../ext-authz/index.ts';
import { decodeMessage } from '../../grpc/index.ts';
import type { Field } from '../../http/index.ts';
import { type ExternalAuthorizer, formatAddress } from '../../model/index.ts';
import { type CallAnswer, type CallServices, MeshCall } from './mesh-call.ts';

/** Of an answer; what clients are shown of a denial is as long at most. */
const maxBytes = 64 * 1024;
const frameHead = 5;

/** Asks one authorizer about requests. */
export class AskAuthorizer {
  readonly authorizer: ExternalAuthorizer;
  readonly #services: CallServices;
  readonly #http: HttpCheck | undefined;

  constructor(authorizer: ExternalAuthorizer, services: CallServices) {
    this.authorizer = authorizer;
    this.#services = services;
    this.#http = authorizer.protocol === 'http' ? new HttpCheck(authorizer) : undefined;
  }

  /** `onDecision` is called once, after this has returned. */
  ask(question: Question, onDecision: (decision: Decision) => void): void {
    if (this.#http === undefined) this.#askGrpc(question, onDecision);
    else this.#askHttp(this.#http, question, onDecision);
  }

  /** The same of a connection whose bytes are not read; for those that are asked over gRPC. */
  askConnection(question: ConnectionQuestion, onDecision: (decision: Decision) => void): void {
    this.#call(connectionCheck(question), onDecision);
  }

  #askHttp(http: HttpCheck, question: Question, onDecision: (decision: Decision) => void): void {
    const { host, port, timeoutMs } = this.authorizer;
    const request = { host, port, timeoutMs, maxBytes, http2: false, ...http.ask(question) };
    new MeshCall(this.#services, request, answer => {
      if (typeof answer === 'string') onDecision(failed(answer));
      else onDecision(http.read(answer.status, answer.fields, answer.body.toString('utf8')));
    }).start();
  }

  #askGrpc(question: Question, onDecision: (decision: Decision) => void): void {
    this.#call(checkRequest(question, this.authorizer.body?.asBytes === true), onDecision);
  }

  /** `message`: a CheckRequest. */
  #call(message: Buffer, onDecision: (decision: Decision) => void): void {
    const { host, port, timeoutMs } = this.authorizer;
    const frame = Buffer.alloc(frameHead);
    frame.writeUInt32BE(message.length, 1);
    const body = Buffer.concat([frame, message]);
    const fields: Field[] = [
      ['host', formatAddress(host, port)],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ['grpc-timeout', `${Math.min(timeoutMs, 99_999_999)}m`],
      ['content-length', `${body.length}`],
    ];
    const call = { method: 'POST', target: CHECK_PATH, fields, body };
    const request = { host, port, timeoutMs, maxBytes, http2: true, ...call };
    new MeshCall(this.#services, request, answer => {
      onDecision(typeof answer === 'string' ? failed(answer) : grpcDecision(answer));
    }).start();
  }
}

function grpcDecision({ status, fields, trailers, body }: CallAnswer): Decision {
  const find = (name: string): string | undefined =>
    [...trailers, ...fields].find(([each]) => each === name)?.[1];
  const ended = find('grpc-status');
  if (status !== 200) return failed(`its answer is ${status} and no gRPC`);
  if (ended !== '0')
    return failed(`its answer is the gRPC status ${ended ?? 'none'}${words(find('grpc-message'))}`);
  const isWhole =
    body.length >= frameHead && body[0] === 0 && body.readUInt32BE(1) === body.length - frameHead;
  return isWhole
    ? readCheckResponse(body.subarray(frameHead))
    : failed('its answer is no single message of gRPC');
}

function words(message: string | undefined): string {
  return message === undefined ? '' : ` (${decodeMessage(message).slice(0, 200)})`;
}

function failed(why: string): Decision {
  return { kind: 'failed', why };
}
