import type { AnswerRewrites, Replacement } from '../../model/index.ts';
import { given } from '../given.ts';
import type { Annotations } from './annotations.ts';

/** proxy-redirect-* and proxy-cookie-*; undefined where nothing is to become another. */
export function readRewrites(annotations: Annotations): AnswerRewrites | undefined {
  const rewrites = given({
    location: locationOf(annotations),
    cookieDomain: pairOf(annotations, 'proxy-cookie-domain'),
    cookiePath: pairOf(annotations, 'proxy-cookie-path'),
  });
  return Object.keys(rewrites).length === 0 ? undefined : rewrites;
}

function locationOf(annotations: Annotations): Replacement | undefined {
  const from = annotations.text('proxy-redirect-from') ?? 'off';
  const to = annotations.text('proxy-redirect-to') ?? 'off';
  // What nginx takes for default is about the name of its own upstream, which no backend knows.
  if (from === 'off' || from === 'default' || to === 'off') return undefined;
  return checked(annotations, 'proxy-redirect-from', from, to);
}

function pairOf(annotations: Annotations, name: string): Replacement | undefined {
  const text = annotations.text(name) ?? 'off';
  if (text === 'off') return undefined;
  const [from = '', to = '', ...more] = text.trim().split(/\s+/);
  if (to === '' || more.length > 0)
    return annotations.wrong(name, `'${text}' is no pair of what stands there and what is to stand there`);
  return checked(annotations, name, from, to);
}

function checked(annotations: Annotations, name: string, from: string, to: string): Replacement | undefined {
  if (from.startsWith('~'))
    return annotations.wrong(name, `'${from}' is a regular expression; only texts can be replaced`);
  if (/\$/.test(from + to))
    return annotations.wrong(name, `'${from} ${to}' has a variable; only texts can be replaced`);
  if (/[\s;,\p{Cc}]|[^\x20-\x7e]/u.test(from + to))
    return annotations.wrong(name, `'${from} ${to}' has characters that cannot stand there`);
  return { from, to };
}
