// plain: reading plain data whose shape nobody has checked: JSON, YAML, answers of servers. In: unknown. Out: what it is, or
// nothing.

export { fieldAt, isRecord, recordOf, recordsOf, stringsOf } from './plain.ts';
