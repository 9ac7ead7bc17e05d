import type { Problem } from '../../model/index.ts';

const most = 5;

/** Each message once, the first few of them, for people. */
export function joined(messages: readonly string[]): string {
  const once = [...new Set(messages)];
  const more = once.length > most ? `; and ${once.length - most} more` : '';
  return once.slice(0, most).join('; ') + more;
}

/** The messages of problems with one of these codes. */
export function messagesOf(problems: readonly Problem[], codes: readonly string[]): readonly string[] {
  return problems.filter(each => codes.includes(each.code)).map(each => each.message);
}

/** Whether the problem keeps the whole object from taking effect: not where only a rule of it is refused. */
export function isFatal({ severity, code }: Problem): boolean {
  return severity === 'error' && !partly.has(code);
}

const partly: ReadonlySet<string> = new Set(['rule-refused', 'refused-by-proxies', 'telemetry-tag-invalid']);
