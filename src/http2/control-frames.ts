import { ANOMALY } from './anomalies.ts';
import type { Connection } from './connection.ts';
import { FAULT } from './faults.ts';
import { ERROR, errorName, FLAGS, FRAME } from './frames.ts';
import { writePing, writeSettingsAck } from './write-frames.ts';

const settingBytes = 6;
/** Of the words of a GOAWAY. */
const mostWords = 128;

/** What a connection does with a frame that is neither DATA nor fields (RFC 9113 sections 6.4 to 6.9). */
export function onControl(
  connection: Connection,
  type: number,
  streamId: number,
  flags: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  switch (type) {
    case FRAME.WINDOW_UPDATE:
      onWindowUpdate(connection, streamId, bytes.readUInt32BE(start) & 0x7fffffff);
      return;
    case FRAME.RST_STREAM:
      onReset(connection, streamId, bytes.readUInt32BE(start));
      return;
    case FRAME.PING:
      onPing(connection, streamId, flags, bytes, start);
      return;
    case FRAME.SETTINGS:
      onSettings(connection, streamId, flags, bytes, start, end);
      return;
    case FRAME.GOAWAY:
      onGoaway(connection, streamId, bytes, start, end);
      return;
    default:
      // PUSH_PROMISE: servers may not get one, and as a client we have said that we want none.
      connection.connectionError(ERROR.PROTOCOL_ERROR, 'PUSH_PROMISE is not taken');
  }
}

function onWindowUpdate(connection: Connection, streamId: number, by: number): void {
  connection.onWindowUpdate();
  if (connection.over) return;
  if (streamId === 0) {
    const code = by === 0 ? ERROR.PROTOCOL_ERROR : connection.out.widen(by);
    if (code !== 0) connection.connectionError(code, 'a window update of 0, or beyond 2^31 - 1');
    return;
  }
  const stream = connection.streams.get(streamId);
  if (stream === undefined) {
    if (connection.isIdle(streamId))
      connection.connectionError(ERROR.PROTOCOL_ERROR, 'a window update for a stream that was not begun');
    return;
  }
  const code = by === 0 ? ERROR.PROTOCOL_ERROR : stream.widen(by);
  if (code !== 0)
    connection.streamError(stream, code, FAULT.NONE, 'a window update of 0, or beyond 2^31 - 1');
}

function onReset(connection: Connection, streamId: number, code: number): void {
  const stream = connection.streams.get(streamId);
  if (streamId === 0 || (stream === undefined && connection.isIdle(streamId))) {
    connection.connectionError(ERROR.PROTOCOL_ERROR, 'a reset of a stream that was not begun');
    return;
  }
  if (stream !== undefined) {
    if (stream.onReset(code)) connection.release(stream);
  } else if (!connection.wasReset(streamId)) connection.note(ANOMALY.CLOSED_STREAM);
}

function onPing(connection: Connection, streamId: number, flags: number, bytes: Buffer, start: number): void {
  if (streamId !== 0) {
    connection.connectionError(ERROR.PROTOCOL_ERROR, 'PING on a stream');
    return;
  }
  if ((flags & FLAGS.ACK) !== 0) {
    connection.onPong(bytes, start);
    return;
  }
  // Those of grpc-go, which measure, come with data, as often as it does.
  if (!connection.flow.worked) connection.note(ANOMALY.PING);
  connection.flow.worked = false;
  if (!connection.over && connection.mayControl()) writePing(connection.wire, FLAGS.ACK, bytes, start);
}

function onSettings(
  connection: Connection,
  streamId: number,
  flags: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  const length = end - start;
  if (streamId !== 0) {
    connection.connectionError(ERROR.PROTOCOL_ERROR, 'SETTINGS on a stream');
    return;
  }
  const isAck = (flags & FLAGS.ACK) !== 0;
  if (length % settingBytes !== 0 || (isAck && length > 0)) {
    connection.connectionError(ERROR.FRAME_SIZE_ERROR, 'SETTINGS of a length that is none');
    return;
  }
  if (isAck) return;
  if (length / settingBytes > connection.options.limits.maxSettingsEntries) {
    connection.note(ANOMALY.SETTINGS_ENTRIES);
    connection.connectionError(ERROR.ENHANCE_YOUR_CALM, 'too many settings in one frame');
    return;
  }
  const { peer } = connection;
  const windowBefore = peer.initialWindow;
  if (peer.known) connection.note(ANOMALY.SETTINGS);
  for (let at = start; at < end; at += settingBytes) {
    const code = peer.set(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2), connection.isClient);
    if (code === 0) continue;
    connection.connectionError(code, `setting ${bytes.readUInt16BE(at)} has a value that is not allowed`);
    return;
  }
  if (connection.over) return;
  if (connection.mayControl()) writeSettingsAck(connection.wire);
  connection.settled(windowBefore);
}

function onGoaway(connection: Connection, streamId: number, bytes: Buffer, start: number, end: number): void {
  if (streamId !== 0) connection.connectionError(ERROR.PROTOCOL_ERROR, 'GOAWAY on a stream');
  else if (end - start < 8) connection.connectionError(ERROR.FRAME_SIZE_ERROR, 'GOAWAY is too short');
  else {
    const lastStreamId = bytes.readUInt32BE(start) & 0x7fffffff;
    const code = bytes.readUInt32BE(start + 4);
    const text = bytes.toString('latin1', start + 8, Math.min(end, start + 8 + mostWords));
    const words = text.replaceAll(/[^ -~]/g, '?');
    connection.onGoaway(lastStreamId, code, words === '' ? errorName(code) : `${errorName(code)}: ${words}`);
  }
}
