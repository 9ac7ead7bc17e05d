// authorization: who may call what, decided. In: the policies of a workload, as its resource has them, and who calls with what:
// byte ranges of a head, integers, texts that are kept. Out: nothing, or why it is refused. Compiled once for each port, so that
// a decision makes no objects and looks at few of many rules. What goes wrong lets nobody in.
export {
  type AuthorizationOutcome,
  type AuthorizationSeries,
  Authorizer,
  type Denial,
  externalRules,
  type OpenSeries,
  type Trial,
} from './authorizer.ts';
export { type CompiledRule, compileRule, type RuleSite } from './compiled-rule.ts';
export { type MatchedRule, RuleSet } from './rule-set.ts';
export { type JudgedCaller, type JudgedRequest, Subject } from './subject.ts';
