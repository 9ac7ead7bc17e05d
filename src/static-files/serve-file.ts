import { realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import send from 'send';
import { guarded } from '../errors/index.ts';

/** A folder whose files are served. */
export interface StaticFolder {
  readonly root: string;
  /** The file that a folder stands for. */
  readonly index: string;
  /** Cache-Control of files; '' for none. */
  readonly cacheControl: string;
  /** A path below the root that is served where there is no such file. */
  readonly fallback?: string;
  /** Content types by ending without its point, in place of the usual ones. */
  readonly mimeTypes: Readonly<Record<string, string>>;
}

/**
 * Answers GET and HEAD with the file at the request's path: 200, 206, 304, 416 as its conditions and ranges ask (RFC 9110), 404
 * where there is none that may be seen: names that begin with a point, and what a link leads to outside of the root, are not.
 * Others: 405. Rejects never; the file goes as fast as its reader takes it.
 */
export async function serveFile(
  folder: StaticFolder,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    plain(response, 405, 'files are read with GET and HEAD\n');
    return;
  }
  const path = decoded(request.url ?? '/');
  if (path === undefined) {
    plain(response, 400, 'the path is not encoded as it should be\n');
    return;
  }
  const root = await realpath(folder.root).catch(() => undefined);
  const file =
    root === undefined
      ? undefined
      : ((await fileAt(root, path, folder.index)) ??
        (folder.fallback === undefined ? undefined : await fileAt(root, folder.fallback, folder.index)));
  if (root === undefined || file === undefined) {
    plain(response, 404, 'there is no such file\n');
    return;
  }
  deliver(folder, { root, file }, request, response);
}

/** Without its query; undefined for what is no encoding of a text, or has a NUL. */
function decoded(url: string): string | undefined {
  try {
    const path = decodeURIComponent(url.split(/[?#]/, 1)[0]!);
    return path.includes('\0') ? undefined : path;
  } catch {
    return undefined;
  }
}

/** The real path of what a path means; undefined where there is no file that may be seen. */
async function fileAt(root: string, path: string, index: string): Promise<string | undefined> {
  const steps = path.split(/[/\\]+/).filter(step => step !== '');
  if (steps.some(step => step.startsWith('.'))) return undefined;
  const found = await within(root, join(root, ...steps));
  if (found?.isFolder !== true) return path.endsWith('/') ? undefined : found?.path;
  const inside = await within(root, join(found.path, index));
  return inside?.isFolder === false ? inside.path : undefined;
}

/** What is there in truth, where that is within the root; nothing but files and folders is anything. */
async function within(
  root: string,
  path: string,
): Promise<{ readonly path: string; readonly isFolder: boolean } | undefined> {
  try {
    const real = await realpath(path);
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) return undefined;
    const found = await stat(real);
    return found.isDirectory() || found.isFile() ? { path: real, isFolder: found.isDirectory() } : undefined;
  } catch {
    return undefined;
  }
}

function deliver(
  { cacheControl, mimeTypes }: StaticFolder,
  { root, file }: { readonly root: string; readonly file: string },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = relative(root, file).split(sep).map(encodeURIComponent).join('/');
  // Hidden names were left out before; a link may lead to one within the root.
  const stream = send(request, path, { root, dotfiles: 'allow', index: false, cacheControl: false });
  stream.on(
    'headers',
    guarded('static-files', (to: ServerResponse) => {
      const type = mimeTypes[extname(file).slice(1)];
      if (type !== undefined) to.setHeader('content-type', type);
      if (cacheControl !== '') to.setHeader('cache-control', cacheControl);
      to.setHeader('x-content-type-options', 'nosniff');
    }),
  );
  stream.on(
    'error',
    guarded('static-files', (error: Error & { readonly status?: number }) => {
      const status = error.status ?? 500;
      if (response.headersSent) response.destroy();
      else if (status === 416) response.writeHead(416).end();
      else plain(response, status === 404 ? 404 : 500, 'the file cannot be read\n');
    }),
  );
  stream.pipe(response);
}

function plain(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
}
