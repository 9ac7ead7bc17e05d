import type { WriteStream } from 'node:tty';

/** What Screen needs of a terminal; process.stdout is one. */
export type Terminal = Pick<WriteStream, 'write' | 'isTTY' | 'columns' | 'rows'>;

const enter = '\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J';
const leave = '\x1b[?25h\x1b[?1049l';
const beginFrame = '\x1b[?2026h\x1b[H';
const endFrame = '\x1b[J\x1b[?2026l';
const endLine = '\x1b[K\r\n';

/**
 * A page of lines, redrawn in place on a terminal's second screen: each frame is one write and nothing is cleared that is
 * not written over, so it does not flicker. Where the output is no terminal, frames are printed one after the other and
 * only every `plainEveryMs`.
 */
export class Screen {
  readonly #terminal: Terminal;
  readonly #plainEveryMs: number;
  #entered = false;
  #lastPlainMs = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, plainEveryMs = 5_000) {
    this.#terminal = terminal;
    this.#plainEveryMs = plainEveryMs;
  }

  /** Columns and lines to draw into; 80 × 50 where the output is no terminal. */
  room(): { readonly columns: number; readonly lines: number; readonly color: boolean } {
    const { isTTY, columns, rows } = this.#terminal;
    if (!isTTY) return { columns: 80, lines: 50, color: false };
    return { columns: columns || 80, lines: rows || 24, color: !process.env.NO_COLOR };
  }

  /** Shows the lines; those beyond the terminal's height are left out. */
  draw(lines: readonly string[], nowMs: number): void {
    if (!this.#terminal.isTTY) {
      if (nowMs - this.#lastPlainMs < this.#plainEveryMs) return;
      this.#lastPlainMs = nowMs;
      this.#terminal.write(`${lines.join('\n')}\n\n`);
      return;
    }
    const visible = lines.slice(0, this.room().lines);
    const first = this.#entered ? '' : enter;
    this.#entered = true;
    // No line break after the last line: it would scroll a full screen.
    this.#terminal.write(`${first}${beginFrame}${visible.join(endLine)}\x1b[K${endFrame}`);
  }

  /** Back to the first screen, with the cursor. Safe to call at any time, and twice. */
  close(): void {
    if (this.#entered) this.#terminal.write(leave);
    this.#entered = false;
  }
}
