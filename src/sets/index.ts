// sets: what comes and goes with every connection or request, kept so that nothing of what has gone stays behind. In: members.
// Out: the same members, in no order.
export { IntrusiveSet, NO_SEAT } from './intrusive-set.ts';
