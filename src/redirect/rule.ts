/** One iptables rule of the nat table. */
export interface Rule {
  readonly chain: string;
  /** Matches in the order in which iptables-save prints them: `['-s', '127.0.0.6/32', '-o', 'lo']`. */
  readonly match: readonly string[];
  /** `['RETURN']`, `['REDIRECT', '--to-ports', '15001']` or a chain's name. */
  readonly target: readonly string[];
  /** Why the rule is there; people read it in iptables-save. */
  readonly comment: string;
}

/** The rule as a line of an iptables-restore document. */
export function ruleLine(rule: Rule): string {
  const comment = ['-m', 'comment', '--comment', `"${rule.comment}"`];
  return ['-A', rule.chain, ...rule.match, ...comment, '-j', ...rule.target].join(' ');
}

/** A rule as iptables-save printed it. */
export interface SavedRule {
  readonly chain: string;
  /** The whole line, `-A CHAIN …`. */
  readonly line: string;
  /** The name behind `-j` or `-g`; empty when there is none. */
  readonly target: string;
}

/** Reads a line `-A CHAIN …`; undefined for any other. */
export function parseSavedRule(line: string): SavedRule | undefined {
  if (!line.startsWith('-A ')) return undefined;
  const words = splitWords(line);
  const jump = words.findIndex(word => word === '-j' || word === '-g');
  return { chain: words[1] ?? '', line, target: jump < 0 ? '' : (words[jump + 1] ?? '') };
}

/**
 * Whether two lines say the same. The versions and backends of iptables print the same rule differently: the order of
 * matches, `-m tcp` where the protocol implies it, quotes around comments, `! -d x` or `-d ! x`.
 */
export function sameRule(a: string, b: string): boolean {
  return normalise(a) === normalise(b);
}

function normalise(line: string): string {
  const groups: string[][] = [];
  let negated = false;
  for (const word of splitWords(line)) {
    if (word === '!') {
      negated = true;
    } else if (word.startsWith('-')) {
      groups.push(negated ? [word, '!'] : [word]);
      negated = false;
    } else {
      const group = groups.at(-1);
      if (negated) group?.push('!');
      negated = false;
      group?.push(word);
    }
  }
  const telling = groups.filter(group => group[0] !== '-m');
  return telling
    .map(group => group.join(' '))
    .sort()
    .join('\n');
}

/** Splits a line into words as iptables-restore does: quotes keep blanks together, a backslash takes the next letter as it is. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  for (const match of line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
    words.push(match[2] ?? match[1]!.replace(/\\(.)/g, '$1'));
  }
  return words;
}
