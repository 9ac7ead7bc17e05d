import { WeftError } from '../errors/index.ts';

/** Whether an object with these labels is meant. */
export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

const part = '[^\\s=!,()]+';
const setBased = new RegExp(`^(${part})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const equality = new RegExp(`^(${part})\\s*(==|=|!=)\\s*([^\\s=!,()]*)$`);
const existence = new RegExp(`^(!?)\\s*(${part})$`);

/** `app=web,tier!=db,env in (a,b),!old`, as kubectl's -l has it. Throws a WeftError `selector-invalid`. */
export function labelSelector(text: string): LabelTest {
  // Commas inside of parentheses part values.
  const tests = text
    .split(/,(?![^(]*\))/)
    .map(each => each.trim())
    .filter(each => each !== '')
    .map(requirement);
  return labels => tests.every(each => each(labels));
}

function requirement(text: string): LabelTest {
  const set = setBased.exec(text);
  if (set) {
    const values = set[3]!.split(',').map(each => each.trim());
    const wanted = set[2] === 'in';
    return labels => {
      const value = own(labels, set[1]!);
      return wanted
        ? value !== undefined && values.includes(value)
        : value === undefined || !values.includes(value);
    };
  }
  const equal = equality.exec(text);
  if (equal) {
    const wanted = equal[2] !== '!=';
    return labels => (own(labels, equal[1]!) === equal[3]) === wanted;
  }
  const exists = existence.exec(text);
  if (exists) return labels => (own(labels, exists[2]!) !== undefined) === (exists[1] === '');
  throw new WeftError(
    'selector-invalid',
    `-l ${text} is no label selector; write app=web, app!=web, 'app in (web,api)', app or '!app', with commas between`,
    { source: 'config' },
  );
}

function own(labels: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(labels, name) ? labels[name] : undefined;
}
