// How much a proxy writes, changed while it runs, for good or for a while: who forgets to set it back has no full disk.
import {
  ACCESS_LOG_MODES,
  type AccessLog,
  type AccessLogMode,
  LOG_LEVELS,
  type Log,
  type LogLevel,
} from '../telemetry/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import { type AdminReply, json, text } from './http-server.ts';

/** What is set on every core. */
export interface LoggingParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly accessLog: AccessLog;
  readonly cores?: { setLogging(level: string | undefined, access: string | undefined): void };
}

interface Levels {
  readonly level: string;
  readonly accessLog: AccessLogMode;
}

/** A change for a while is over after a day at the latest. */
const longestSeconds = 86_400;

/** The levels of a proxy, and what they go back to. */
export class Logging {
  readonly #parts: LoggingParts;
  /** What holds again when the time is up; undefined while nothing is set for a time. */
  #before: (Levels & { readonly untilMs: number; readonly cancel: Cancel }) | undefined;

  constructor(parts: LoggingParts) {
    this.#parts = parts;
  }

  /** `GET /logging` */
  view(): AdminReply {
    const back = this.#before;
    const { clock } = this.#parts;
    return json({
      ...this.#now(),
      ...(back && {
        back: {
          level: back.level,
          accessLog: back.accessLog,
          inSeconds: Math.max(0, Math.ceil((back.untilMs - clock.monotonic()) / 1000)),
        },
      }),
    });
  }

  /**
   * `POST /logging?level=debug&access=all&for=600`: `for` in seconds, after which what held before holds again; without it the
   * change is for good. Of two changes for a while the later one's time counts, and what held before the first comes back.
   */
  set(query: URLSearchParams): AdminReply {
    const level = query.get('level');
    const access = query.get('access');
    const seconds = query.get('for');
    if (level === null && access === null) return text('weft: say ?level=debug or ?access=all\n', 400);
    if (level !== null && !LOG_LEVELS.includes(level as LogLevel))
      return text(`weft: level must be one of ${LOG_LEVELS.join(', ')}\n`, 400);
    if (access !== null && !ACCESS_LOG_MODES.includes(access as AccessLogMode))
      return text(`weft: access must be one of ${ACCESS_LOG_MODES.join(', ')}\n`, 400);
    const forSeconds = seconds === null ? undefined : Number(seconds);
    if (forSeconds !== undefined && !(forSeconds > 0 && forSeconds <= longestSeconds))
      return text(`weft: for must be seconds, more than 0 and at most ${longestSeconds}\n`, 400);
    const held = this.#before ?? this.#now();
    this.#before?.cancel();
    this.#before = undefined;
    this.#put(level ?? undefined, (access ?? undefined) as AccessLogMode | undefined);
    if (forSeconds !== undefined) this.#goBack(held, forSeconds * 1000);
    return this.view();
  }

  #goBack({ level, accessLog }: Levels, delayMs: number): void {
    const { clock } = this.#parts;
    const cancel = clock.after(delayMs, () => {
      this.#before = undefined;
      this.#put(level, accessLog);
    });
    this.#before = { level, accessLog, untilMs: clock.monotonic() + delayMs, cancel };
  }

  #now(): Levels {
    return { level: this.#parts.log.level, accessLog: this.#parts.accessLog.mode };
  }

  #put(level: string | undefined, accessLog: AccessLogMode | undefined): void {
    const { log, accessLog: access, cores } = this.#parts;
    if (level !== undefined) log.level = level;
    if (accessLog !== undefined) access.mode = accessLog;
    cores?.setLogging(level, accessLog);
  }
}
