// As much of Helm's templates as the chart uses, so that tests need no helm: values, conditions, some functions. Whatever else
// stands between braces is an error, so that the chart cannot quietly use more.

import { createHash } from 'node:crypto';
import { parse } from 'yaml';

/** What a template sees. */
export interface HelmContext {
  readonly values: Readonly<Record<string, unknown>>;
  readonly namespace: string;
  readonly apiVersions: readonly string[];
}

/** The rendered text. */
export function renderHelm(template: string, context: HelmContext): string {
  // Helm cuts white space before `{{-`.
  const parts = ranged(template, context)
    .replace(/\s*\{\{-/g, '{{')
    .split(/\{\{(.*?)\}\}/);
  const stack: { readonly outer: boolean; taken: boolean; on: boolean }[] = [];
  let output = '';
  const active = () => stack.every(({ outer, on }) => outer && on);
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 0) {
      if (active()) output += part;
      continue;
    }
    const words = part.trim();
    const top = stack.at(-1);
    const condition = /^(?:else )?if (.*)$/.exec(words)?.[1];
    if (words === 'end') stack.pop();
    else if (words === 'else' || words.startsWith('else if ')) {
      if (top === undefined) throw new Error('else without if');
      top.on = !top.taken && (condition === undefined || truth(condition, context));
      top.taken ||= top.on;
    } else if (condition !== undefined) {
      const on = truth(condition, context);
      stack.push({ outer: active(), taken: on, on });
    } else if (active()) output += text(words, context);
  }
  if (stack.length > 0) throw new Error('if without end');
  return output;
}

/** Ranges by what they stand for; there is no block inside of one. */
function ranged(template: string, context: HelmContext): string {
  const range = /\{\{- range splitList "(.)" (\S+) \}\}((?:(?!\{\{-? (?:if|range|end)\b).)*)\{\{- end \}\}/gs;
  return template.replace(range, (_, separator: string, path: string, body: string) =>
    String(lookup(path, context))
      .split(separator)
      // Helm cuts white space before the `end` of each round. What is outside of a range is `$` inside.
      .map(each =>
        body
          .trimEnd()
          .replaceAll('{{ . }}', () => each)
          .replaceAll('{{ $.', '{{ .'),
      )
      .join(''),
  );
}

function truth(condition: string, context: HelmContext): boolean {
  const both = /^and \((.*)\) \((has [^()]*)\)$/.exec(condition);
  if (both) return truth(both[1]!, context) && truth(both[2]!, context);
  const either = /^or \((.*)\) \((.*)\)$/.exec(condition);
  if (either) return truth(either[1]!, context) || truth(either[2]!, context);
  const not = /^not (?:\((.*)\)|(\S+))$/.exec(condition);
  if (not) return !truth((not[1] ?? not[2])!, context);
  const key = /^hasKey \(fromYaml (\S+)\) "(\w+)"$/.exec(condition);
  if (key) return Object.hasOwn(fromYaml(key[1]!, context), key[2]!);
  const contains = /^contains "(.*?)" \(toJson \(fromYaml (\S+)\)\)$/.exec(condition);
  if (contains) return JSON.stringify(fromYaml(contains[2]!, context)).includes(contains[1]!);
  const withDefault = /^eq \((default .*)\) "([^"]*)"$/.exec(condition);
  if (withDefault) return text(withDefault[1]!, context) === withDefault[2];
  const matchesDefault = /^regexMatch "(.*)" \((default .*)\)$/.exec(condition);
  if (matchesDefault) return new RegExp(matchesDefault[1]!).test(text(matchesDefault[2]!, context));
  if (/^\.Values\.\w+$/.test(condition)) return Boolean(lookup(condition, context));
  const equal = /^eq (\S+) "([^"]*)"$/.exec(condition);
  if (equal) return lookup(equal[1]!, context) === equal[2];
  const matches = /^regexMatch "(.*)" (\S+)$/.exec(condition);
  if (matches) return new RegExp(matches[1]!).test(String(lookup(matches[2]!, context)));
  const has = /^has "(\w+)" (\S+)$/.exec(condition);
  if (has) return (lookup(has[2]!, context) as unknown[]).includes(has[1]);
  const greater = /^gt \(int (\S+)\) (\d+)$/.exec(condition);
  if (greater) return Number(lookup(greater[1]!, context)) > Number(greater[2]);
  const capability = /^\.Capabilities\.APIVersions\.Has "(.*)"$/.exec(condition);
  if (capability) return context.apiVersions.includes(capability[1]!);
  throw new Error(`the chart uses a condition that its test does not know: ${condition}`);
}

function text(words: string, context: HelmContext): string {
  const [name = '', path] = words.split(' ');
  if (name === 'fail') throw new Error(/"(.*)"/.exec(words)![1]!);
  const hash = /^sha256sum (\S+) \| trunc (\d+)$/.exec(words);
  if (hash)
    return createHash('sha256')
      .update(String(lookup(hash[1]!, context)))
      .digest('hex')
      .slice(0, Number(hash[2]));
  const otherwise = /^default "([^"]*)" (\S+)$/.exec(words);
  if (otherwise) return String(lookup(otherwise[2]!, context)) || otherwise[1]!;
  const replaced = /^regexReplaceAll "(.*?)" \(printf "-%s" \((.*)\)\) ""$/.exec(words);
  if (replaced) return `-${text(replaced[2]!, context)}`.replaceAll(new RegExp(replaced[1]!, 'g'), '');
  if (path === undefined) return String(lookup(name, context));
  if (name === 'int') return String(Number(lookup(path, context)));
  if (name === 'toJson') return JSON.stringify(lookup(path, context));
  throw new Error(`the chart uses a function that its test does not know: ${words}`);
}

/** Helm's answers a map for what is none. */
function fromYaml(path: string, context: HelmContext): object {
  const found: unknown = parse(String(lookup(path, context)));
  return typeof found === 'object' && found !== null ? found : {};
}

function lookup(given: string, { values, namespace }: HelmContext): unknown {
  const path = given.replace(/^\$/, '');
  if (path === '.Release.Namespace') return namespace;
  if (!path.startsWith('.Values.')) throw new Error(`the chart uses ${path}, which its test does not know`);
  const found = path
    .slice('.Values.'.length)
    .split('.')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], values);
  if (found === undefined) throw new Error(`values.yaml has no ${path}`);
  return found;
}
