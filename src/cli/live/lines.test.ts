import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { WeftError } from '../../errors/index.ts';
import { followLines } from './lines.ts';

/** An answer of the live API with these lines. */
function answer(...lines: readonly object[]): IncomingMessage {
  const text = lines.map(each => `${JSON.stringify(each)}\n`).join('');
  return Object.assign(Readable.from([Buffer.from(text)]), { statusCode: 200 }) as unknown as IncomingMessage;
}

/** Follows a live API that answers each question with the next of these. */
async function follow(
  answers: readonly (IncomingMessage | WeftError)[],
): Promise<{ lines: number; broke: string[] }> {
  let [asked, lines] = [0, 0];
  const broke: string[] = [];
  const get = async (): Promise<IncomingMessage> => {
    const next = answers[asked++]!;
    if (next instanceof WeftError) throw next;
    return next;
  };
  await followLines(
    { get },
    '/v1/requests',
    () => lines++,
    why => broke.push(why),
    new AbortController().signal,
  );
  return { lines, broke };
}

const line = { type: 'request' };
const error = (code: string): WeftError => new WeftError(code, code, { source: 'config' });

test('who has answered once is asked again while nobody is there, or nobody can look', async () => {
  const { lines, broke } = await follow([
    answer(line),
    error('live-unreachable'),
    error('live-unavailable'),
    answer(line, { type: 'over' }),
  ]);
  assert.equal(lines, 2);
  assert.deepEqual(broke, ['the control plane ended the connection', 'live-unreachable', 'live-unavailable']);
});

test('a refusal is final, and so is any failure of the first question', async () => {
  await assert.rejects(follow([answer(line), error('live-forbidden')]), { code: 'live-forbidden' });
  await assert.rejects(follow([error('live-unreachable')]), { code: 'live-unreachable' });
});
