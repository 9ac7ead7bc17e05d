// install: from options to the objects of an installation. Pure: `weft install` prints them, manifests/ holds them, the Helm
// chart is made of them, and `weft check`, `upgrade` and `uninstall` compare with them. In: InstallOptions. Out: objects, text.
export { DASHBOARD_LABEL, dashboardObjects } from './dashboards.ts';
export { type GatewayPlan, gatewayObjects, gatewayPlan } from './gateway.ts';
export { CONTROL_PLANES, NAMES, PART_OF, revisionOfPod, SETTINGS_FILE, selectorOf } from './names.ts';
export {
  installObjects,
  type Manifest,
  manifestText,
  revisionObjects,
  settingsText,
  sharedObjects,
} from './objects.ts';
export {
  checkInstallOptions,
  hasMinor,
  type InstallOptions,
  installOptions,
  OLDEST_MINOR,
} from './options.ts';
export {
  MONITORING_FORMS,
  type MonitoringForm,
  monitoring,
  monitoringObjects,
} from './prometheus/index.ts';
export { clusterRules, ownRules, pluralOf, type Rule } from './rbac.ts';
