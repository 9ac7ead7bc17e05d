// prometheus: rules, alerts and where to scrape, from one source: a rules file for a Prometheus of one's own and objects for an
// operator are made of it, so that they say the same. docs/monitoring.md is about it. Pure. In: a namespace. Out: objects, text.
export {
  MONITORING_FORMS,
  type MonitoringForm,
  monitoring,
  prometheusFiles,
} from './files.ts';
export { monitoringObjects, ruleGroups } from './objects.ts';
export { type Alert, type Recording, type RuleGroup, rulesObject } from './rule.ts';
