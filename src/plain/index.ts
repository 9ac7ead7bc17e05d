// plain: reading plain data whose shape nobody has checked: JSON, YAML, answers of servers. In: unknown. Out: what it is, or
// nothing; and which of the known names somebody meant.

export { nearestName } from './nearest.ts';
export { fieldAt, isRecord, recordOf, recordsOf, stringsOf } from './plain.ts';
