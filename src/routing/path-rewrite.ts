import { WeftError } from '../errors/index.ts';
import { TARGET } from '../http/index.ts';
import type { PathRewrite as PathRewriteModel } from '../model/index.ts';
import { byteText } from './byte-text.ts';
import { type CompiledPattern, compilePattern } from './pattern.ts';
import type { RequestParts } from './request-parts.ts';

/** A PathRewrite that is ready for use. */
export class PathRewrite {
  readonly #rewrite: PathRewriteModel;
  readonly #pattern: CompiledPattern | undefined;
  readonly #steps: readonly PathRewrite[] = [];

  /** Throws a WeftError for a bad pattern, a substitution of groups that it has not, or text that no path may hold. */
  constructor(rewrite: PathRewriteModel) {
    if (rewrite.kind === 'steps') {
      this.#steps = rewrite.steps.map(each => new PathRewrite(each));
      this.#rewrite = rewrite;
      return;
    }
    const text = rewrite.kind === 'regex' ? rewrite.substitution : rewrite.value;
    if (!Buffer.from(text, 'utf8').every(code => code < 0x80 && TARGET[code] === 1))
      throw bad(text, 'it cannot be in a path; escape blanks, # and letters that are not ASCII with % signs');
    this.#rewrite = asBytes(rewrite);
    if (rewrite.kind !== 'regex') return;
    this.#pattern = compilePattern(rewrite.pattern);
    for (const [, group] of rewrite.substitution.matchAll(/\\([\s\S]|$)/g)) {
      if (!/^[0-9\\]$/.test(group!)) throw bad(text, 'after a backslash comes a digit or another backslash');
      if (group !== '\\' && Number(group) > this.#pattern.groups)
        throw bad(text, `the pattern has only ${this.#pattern.groups} groups`);
    }
  }

  /** The new path of the request, query not included; begins with a slash. */
  path(parts: RequestParts): string {
    if (this.#rewrite.kind === 'full') return absolute(this.#rewrite.value);
    return this.#of(parts.pathBytes.toString('latin1', parts.pathStart, parts.pathEnd));
  }

  #of(path: string): string {
    const rewrite = this.#rewrite;
    if (rewrite.kind === 'steps') return this.#steps.reduce((before, step) => step.#of(before), path);
    if (rewrite.kind === 'full') return absolute(rewrite.value);
    if (rewrite.kind === 'regex') return absolute(this.#pattern!.replaceAll(path, rewrite.substitution));
    return absolute(replacePrefix(path, rewrite.matched, rewrite.value));
  }

  /** The new target: path, and the query that came unless the new path brings one of its own. */
  target(parts: RequestParts): string {
    const path = this.path(parts);
    if (!parts.hasQuery || path.includes('?')) return path;
    return `${path}?${parts.head.bytes.toString('latin1', parts.queryStart, parts.queryEnd)}`;
  }
}

/**
 * The prefix is replaced as text, as Istio does it, but where two slashes meet only one stays (Gateway API,
 * HTTPPathModifier.replacePrefixMatch; its matches by segments come without a slash at their end).
 */
function replacePrefix(path: string, matched: string, value: string): string {
  if (path.slice(0, matched.length).toLowerCase() !== matched.toLowerCase())
    return `${path}/` === matched ? value : path;
  const rest = path.slice(matched.length);
  return rest.startsWith('/') && value.endsWith('/') ? value.slice(0, -1) + rest : value + rest;
}

function asBytes(rewrite: PathRewriteModel): PathRewriteModel {
  switch (rewrite.kind) {
    case 'steps':
      return rewrite;
    case 'full':
      return { ...rewrite, value: byteText(rewrite.value) };
    case 'prefix':
      return { ...rewrite, matched: byteText(rewrite.matched), value: byteText(rewrite.value) };
    case 'regex':
      return { ...rewrite, substitution: byteText(rewrite.substitution) };
  }
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function bad(text: string, why: string): WeftError {
  return new WeftError('bad-rewrite', `the path rewrite '${text}' is not possible: ${why}`, {
    source: 'config',
  });
}
