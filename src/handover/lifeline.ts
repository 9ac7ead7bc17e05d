// The first process of a proxy is the one that the container, or the machine, knows: while it lives the proxy does, and what it
// ends with counts. When later processes carry the traffic it stays and waits for them, and the lifeline is how it hears of
// them: a pair of sockets, one end its own, the other that of all later ones. Lines `main PID` and `exit CODE` go to the first
// process; that nobody has the other end any more says that all of them are gone.
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { guarded } from '../errors/index.ts';
import { libcFunction } from '../libc/index.ts';

const closeOnExec = 1;
const setDescriptorFlags = 2;
const duplicateFrom = 0;
const becomeSubreaper = 36;

/** Who the other end is, as the first process has heard. */
export interface LineEnds {
  /** The process that carries the traffic. */
  main: number;
  /** What it said it ends with; undefined while it lives, or when it said nothing. */
  exitCode: number | undefined;
}

/** Follows the line from the side of the first process; `over` is called once when the last later process is gone. */
export function followLine(socket: Socket, ends: LineEnds, over: () => void): void {
  let rest = '';
  socket.on(
    'data',
    guarded('handover.line', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [word, number] = line.split(' ');
        if (word === 'main') ends.main = Number(number);
        if (word === 'exit') ends.exitCode = Number(number);
      }
    }),
  );
  // An error ends it, too.
  socket.on('error', () => {});
  socket.on('close', guarded('handover.line', over));
}

/** The line from the side of a later process. */
export class LineToFirst {
  readonly fd: number;

  /** `gone` is called when the first process is no more. */
  constructor(fd: number, gone: () => void) {
    this.fd = fd;
    keepFromChildren(fd);
    const socket = new Socket({ fd });
    socket.on('error', () => {});
    socket.on('close', guarded('handover.line', gone));
    socket.resume();
    socket.unref();
  }

  /** This process carries the traffic from now on. */
  main(): void {
    this.#write(`main ${process.pid}\n`);
  }

  /** It is about to end. */
  exit(code: number): void {
    this.#write(`exit ${code}\n`);
  }

  #write(line: string): void {
    try {
      writeSync(this.fd, line);
    } catch {
      // Nobody is there to hear it.
    }
  }
}

/** So that no program which this process starts has it, but those to which it is given. */
export function keepFromChildren(fd: number): void {
  descriptorControl()(fd, setDescriptorFlags, 'int', closeOnExec);
}

/** Another descriptor of the same, which a program that replaces this one has as well. */
export function duplicateForExec(fd: number): number {
  return descriptorControl()(fd, duplicateFrom, 'int', 3);
}

/** What later processes leave behind becomes this process's child, as it does for the first of a container anyway. */
export function adoptOrphans(): void {
  const prctl = libcFunction<(option: number, type: 'unsigned long', value: number) => number>(
    'int prctl(int option, ...)',
  );
  prctl(becomeSubreaper, 'unsigned long', 1);
}

function descriptorControl(): (fd: number, what: number, type: 'int', value: number) => number {
  return libcFunction('int fcntl(int fd, int what, ...)');
}
