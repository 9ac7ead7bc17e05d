import { ATTRIBUTES } from './attributes.ts';
import { compileExpression, type Readers } from './expression.ts';
import { ExpressionFault } from './tokens.ts';

const nothing = Object.fromEntries(
  Object.keys(ATTRIBUTES).map(name => [name, () => undefined]),
) as unknown as Readers<undefined>;

/**
 * Why an expression cannot be used, for its author; undefined where it can. A `filter` must come to true or false, a `tag` to
 * something that can be written down.
 */
export function expressionFault(source: string, use: 'filter' | 'tag'): string | undefined {
  try {
    const { type } = compileExpression(source, nothing);
    if (use === 'filter' && type !== 'bool') return 'must come to true or false: compare it with something';
    if (use === 'tag' && type === 'list') return 'comes to a list, which is no value of a tag';
    return undefined;
  } catch (thrown) {
    if (thrown instanceof ExpressionFault) return thrown.message;
    throw thrown;
  }
}
