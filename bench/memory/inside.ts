// Loaded into weft-proxy before it starts: on SIGUSR2 says as a line `INSIDE {json}` what V8 and malloc hold, in kilobytes.
import { readFileSync, unlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';

interface Koffi {
  load(name: null): { func(definition: string): (...given: unknown[]) => unknown };
}

/** Figures of one look. */
export interface Inside {
  /** Resident pages of each space of V8's heap, and what is used of them. */
  readonly spaces: readonly { readonly name: string; readonly residentKb: number; readonly usedKb: number }[];
  /** What V8's zones and tables take of malloc's memory. */
  readonly v8MallocKb: number;
  /** ArrayBuffers and other memory that objects of JavaScript hold. */
  readonly externalKb: number;
  /** Held of the system by malloc, in arenas and in mappings of their own, and what of the arenas is free. */
  readonly malloc:
    | { readonly arenasKb: number; readonly mappedKb: number; readonly freeKb: number }
    | undefined;
}

process.on('SIGUSR2', () => {
  const kb = (bytes: number): number => Math.round(bytes / 1024);
  const statistics = getHeapStatistics();
  const inside: Inside = {
    spaces: getHeapSpaceStatistics().map(space => ({
      name: space.space_name,
      residentKb: kb(space.physical_space_size),
      usedKb: kb(space.space_used_size),
    })),
    v8MallocKb: kb(statistics.malloced_memory),
    externalKb: kb(statistics.external_memory),
    malloc: mallocInfo(),
  };
  process.stdout.write(`INSIDE ${JSON.stringify(inside)}\n`);
});

/** malloc_info(3) writes XML to a file; undefined where the C library has none. */
function mallocInfo(): Inside['malloc'] {
  const file = join(process.env.TMPDIR ?? '/tmp', `weft-malloc-${process.pid}`);
  try {
    const koffi = createRequire(join(process.cwd(), 'package.json'))('koffi') as Koffi;
    const library = koffi.load(null);
    const open = library.func('void *fopen(const char *path, const char *mode)');
    const close = library.func('int fclose(void *file)');
    const info = library.func('int malloc_info(int options, void *file)');
    const stream = open(file, 'w');
    info(0, stream);
    close(stream);
    const totals = readFileSync(file, 'utf8').split('</heap>').at(-1)!;
    const size = (pattern: RegExp): number => Number(pattern.exec(totals)?.[1] ?? 0) / 1024;
    return {
      arenasKb: Math.round(size(/<system type="current" size="(\d+)"/)),
      mappedKb: Math.round(size(/<total type="mmap" count="\d+" size="(\d+)"/)),
      freeKb: Math.round(
        size(/<total type="fast" count="\d+" size="(\d+)"/) +
          size(/<total type="rest" count="\d+" size="(\d+)"/),
      ),
    };
  } catch {
    return undefined;
  } finally {
    try {
      unlinkSync(file);
    } catch {
      // Never written.
    }
  }
}
