// Regular expressions of policies: RE2 syntax, run by re2js in time linear in the text (RE2 by construction: no policy can hang
// a proxy). The engine costs half a megabyte of heap, so it is loaded when the first pattern is compiled.
import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { errorMessage, WeftError } from '../errors/index.ts';

/** A regular expression that is ready for use. */
export interface CompiledPattern {
  /** Whether the whole of `text` matches. */
  matches(text: string): boolean;
  /** How many groups it has. */
  readonly groups: number;
  /** `text` with every match replaced; `\0` to `\9` in `substitution` stand for groups, `\\` for a backslash. */
  replaceAll(text: string, substitution: string): string;
}

/** Longer patterns are refused: nobody writes them by hand. */
const maxPatternLength = 4096;
/** Instructions of a compiled pattern. Bounds the time of one match: a hostile text of 64 KB then costs about 0.1 s at worst. */
const maxInstructions = 1000;

type Engine = typeof import('re2js');
// The bundler sees this call and keeps the engine inside the bundle; Node itself has no `require` in a module.
declare const require: NodeJS.Require | undefined;
let loaded: Engine | undefined;

function engine(): Engine {
  loaded ??= (
    typeof require === 'undefined' ? createRequire(import.meta.url)('re2js') : require('re2js')
  ) as Engine;
  return loaded;
}

/**
 * Compiles an RE2 pattern. Throws a WeftError that names the pattern when it is malformed, or too large to be run for every
 * request.
 */
export function compilePattern(pattern: string, ignoreCase = false): CompiledPattern {
  if (pattern.length > maxPatternLength)
    throw tooLarge(pattern, `longer than ${maxPatternLength} characters`);
  // Before the engine unrolls them: hundreds of {1000} side by side take a second to compile.
  const repetitions = sumOfRepetitions(pattern);
  if (repetitions > maxInstructions) throw tooLarge(pattern, `asks for ${repetitions} repetitions`);
  const { RE2JS: compiler } = engine();
  let compiled: RE2JS;
  try {
    compiled = compiler.compile(pattern, ignoreCase ? compiler.CASE_INSENSITIVE : 0);
  } catch (error) {
    throw new WeftError(
      'bad-pattern',
      `the regular expression ${quoted(pattern)} is not valid RE2: ${errorMessage(error).replace('error parsing regexp: ', '')}`,
      { source: 'config' },
    );
  }
  const size = compiled.programSize();
  if (size > maxInstructions) throw tooLarge(pattern, `${size} instructions, at most ${maxInstructions}`);
  return new Compiled(compiled);
}

/**
 * What every text that matches the whole of `pattern` begins with; '' when that cannot be told at a glance. Lets routes be left
 * out without running their patterns.
 */
export function literalPrefix(pattern: string): string {
  if (pattern.includes('|')) return '';
  let prefix = '';
  let i = pattern.startsWith('^') ? 1 : 0;
  for (; i < pattern.length; i++) {
    let char = pattern[i]!;
    if (char === '\\') {
      char = pattern[++i] ?? '';
      if (!/[^0-9A-Za-z]/.test(char)) return prefix;
    } else if (!/[0-9A-Za-z/_:=&,;~@%#!"'< >-]/.test(char)) break;
    prefix += char;
  }
  // What is repeated or optional need not be there.
  return /[*?{]/.test(pattern[i] ?? '') ? prefix.slice(0, -1) : prefix;
}

function sumOfRepetitions(pattern: string): number {
  let sum = 0;
  for (const [, least, most] of pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) sum += Number(most || least);
  return sum;
}

function tooLarge(pattern: string, why: string): WeftError {
  return new WeftError(
    'pattern-too-large',
    `the regular expression ${quoted(pattern)} is too large to be run for every request (${why}); shorten it or split the rule`,
    { source: 'config' },
  );
}

function quoted(pattern: string): string {
  return JSON.stringify(pattern.length > 60 ? `${pattern.slice(0, 57)}...` : pattern);
}

class Compiled implements CompiledPattern {
  readonly groups: number;
  readonly #pattern: RE2JS;

  constructor(pattern: RE2JS) {
    this.#pattern = pattern;
    this.groups = pattern.groupCount();
  }

  matches(text: string): boolean {
    return this.#pattern.testExact(text);
  }

  replaceAll(text: string, substitution: string): string {
    const { groups } = this;
    // The arguments after the groups are offset and text.
    const replacement = (...matched: unknown[]): string =>
      substitution.replace(/\\([0-9\\])/g, (_, what: string) => {
        if (what === '\\') return '\\';
        return Number(what) <= groups ? ((matched[Number(what)] as string | undefined) ?? '') : '';
      });
    return this.#pattern.matcher(text).replaceAll(replacement);
  }
}
