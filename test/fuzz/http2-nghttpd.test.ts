// Connections of frames to nghttpd (nghttp2's server) and to ours: what nghttpd takes for an error of the connection does not go
// on here as if nothing had been. A frame that is not whole nobody has judged: nghttpd may, from its beginning. nghttpd is looked
// for on PATH; CASES=20000 for more, SEED for the same again.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { FRAME } from '../../src/http2/frames.ts';
import { FrameLog, frame } from '../../src/http2/testing/frames.ts';
import { freePort } from '../../src/wire/testing/ports.ts';
import { answersTo, connectionOf } from './http2/frames-case.ts';
import { Random } from './random.ts';

const path = `${process.env.PATH}:/usr/sbin`;
const env = { ...process.env, PATH: path };
const skip =
  spawnSync('nghttpd', ['--version'], { env }).error === undefined ? false : 'nghttpd is not on PATH';
const cases = Number(process.env.CASES ?? 300);
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
/** Comes back where the connection has gone on to the end. */
const mark = Buffer.from('the end!', 'latin1');
/** A case whose last frame is not whole takes the PING for a part of it, and nothing comes back. */
const patienceMs = 500;

let server: ChildProcess | undefined;
let port = 0;

before(async () => {
  if (skip !== false) return;
  port = await freePort();
  server = spawn('nghttpd', ['--no-tls', '-a', '127.0.0.1', '-d', '/nonexistent', `${port}`], {
    env,
    stdio: 'ignore',
  });
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isThere) return;
    await new Promise(resolve => setTimeout(resolve, 25));
  }
  assert.fail('nghttpd does not listen');
});

after(() => server?.kill());

/** What nghttpd says until the PING at the end is answered or the connection closes; undefined where neither comes. */
function asked(bytes: Buffer): Promise<readonly string[] | undefined> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    const got: Buffer[] = [];
    const over = (isDecided: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isDecided ? new FrameLog().words(Buffer.concat(got)) : undefined);
    };
    const timer = setTimeout(() => over(false), patienceMs);
    socket.on('data', piece => {
      got.push(piece);
      if (Buffer.concat(got).includes(mark)) over(true);
    });
    socket.on('error', () => {});
    socket.on('close', () => over(true));
    socket.write(bytes);
  });
}

const isGoaway = (word: string): boolean => word.startsWith('GOAWAY') && !word.includes('NO_ERROR');
/** Ours leaves in order, too, when the client says GOAWAY, and looks at nothing that comes behind that. */
const isError = (word: string): boolean =>
  word.startsWith('GOAWAY') || word.startsWith('RST_STREAM') || /:status: [45]/.test(word);

test(`what is an error of the connection to nghttpd is an error here: ${cases} cases, seed ${seed}`, {
  skip,
  timeout: 600_000,
}, async t => {
  let [errors, both, well, undecided] = [0, 0, 0, 0];
  for (let n = 0; n < cases; n++) {
    const ping = frame(FRAME.PING, 0, 0, mark);
    const bytes = Buffer.concat([connectionOf(new Random(seed + n * 2654435761)), ping]);
    const theirs = await asked(bytes);
    if (theirs === undefined) undecided++;
    else if (!theirs.some(isGoaway)) well++;
    else {
      errors++;
      const ours = answersTo(bytes);
      if (ours.some(isError)) both++;
      assert.ok(
        !ours.includes('PING ack') || ours.some(isError),
        `case ${n}: nghttpd says ${theirs.join(', ')}; ours says ${ours.join(', ')}: ${bytes.toString('hex')}`,
      );
    }
  }
  t.diagnostic(
    `${errors} errors of the connection, ${both} of them told here, too; ${well} without, ${undecided} that do not end`,
  );
  assert.ok(both > cases / 20, 'too few cases are errors to show anything');
});
