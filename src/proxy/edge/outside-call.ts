import type { IncomingMessage } from 'node:http';
import { request as ask } from 'node:https';
import { guarded } from '../../errors/index.ts';
import type { EdgeAnswer, EdgeQuestion, OnEdgeAnswer } from '../filters/edge.interface.ts';

/** A question past the mesh: to an URL of https, whose certificate must be good for the authorities that Node trusts. */
export function callOutside(question: EdgeQuestion, onAnswer: OnEdgeAnswer): void {
  const { host, port, method, target, fields, timeoutMs, maxBytes } = question;
  let over = false;
  const end = (answer: EdgeAnswer | string): void => {
    if (over) return;
    over = true;
    clearTimeout(deadline);
    onAnswer(answer);
  };
  const call = ask(
    { host, port, method, path: target, headers: fields.flat() as string[] },
    guarded('edge-question', (response: IncomingMessage) =>
      read(response, maxBytes, end, () => call.destroy()),
    ),
  );
  const deadline = setTimeout(
    guarded('edge-question', () => {
      end(`no complete answer within ${timeoutMs} ms`);
      call.destroy();
    }),
    timeoutMs,
  );
  call.on(
    'error',
    guarded('edge-question', (error: Error) => end(error.message)),
  );
  call.end();
}

function read(
  response: IncomingMessage,
  maxBytes: number,
  end: (answer: EdgeAnswer | string) => void,
  stop: () => void,
): void {
  const pieces: Buffer[] = [];
  let bytes = 0;
  response.on(
    'data',
    guarded('edge-question', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > maxBytes) {
        end(`its answer is longer than ${maxBytes} bytes`);
        stop();
      } else pieces.push(piece);
    }),
  );
  response.on(
    'error',
    guarded('edge-question', (error: Error) => end(error.message)),
  );
  response.on(
    'end',
    guarded('edge-question', () => {
      const { rawHeaders } = response;
      const fields = rawHeaders.flatMap((name, at) =>
        at % 2 === 0 ? [[name.toLowerCase(), rawHeaders[at + 1]!] as const] : [],
      );
      end({ status: response.statusCode ?? 0, fields, body: Buffer.concat(pieces) });
    }),
  );
}
