import { readdirSync, readFileSync } from 'node:fs';
import { answerAttacks, requestAttacks } from '../attacks/http1.ts';
import type { Case } from './generate.ts';

/** Where cases that once broke a rule are kept, one JSON file each. */
export const corpusFolder: URL = new URL('corpus/', import.meta.url);

/** The kept cases. */
export function corpus(): Case[] {
  const cases: Case[] = [];
  for (const name of readdirSync(corpusFolder).sort()) {
    if (name.endsWith('.json'))
      cases.push(JSON.parse(readFileSync(new URL(name, corpusFolder), 'utf8')) as Case);
  }
  return cases;
}

/** Longer ones make slow cases and no better ones. */
const longestSeedBytes = 2000;

/** Streams worth mutating: the kept cases and the published attacks. */
export function seeds(): Case[] {
  const cases = corpus();
  for (const { bytes } of requestAttacks) cases.push({ kind: 'request', bytes, toHead: [] });
  for (const { bytes } of answerAttacks) cases.push({ kind: 'response', bytes, toHead: [] });
  return cases.filter(one => one.bytes.length <= longestSeedBytes);
}
