// The end-to-end test on a real cluster: what a user does, from weft install to weft uninstall, and what may go wrong between. It
// makes the namespaces shop, outside, cases and guarded, and deletes them at the end.
//   node test/kubernetes/e2e/main.ts --proxy-image weft-proxy:0.1.0 --injector-image weft-injector:0.1.0
//        --shop-image weft-example-shop:dev [--restarts 20] [--restart-minutes 60] [--prometheus /usr/bin/prometheus]
//        [--only issuer,ports]
// The cluster is that of KUBECONFIG, its nodes have the images, and it must have nothing of Weft yet. With --prometheus this
// machine must reach the addresses of pods. With WEFT_CERT_MANAGER (.ci/build-cert-manager) the issuer changes to a cert-manager
// that runs beside the cluster, and back; that and weft authz suggest are run only where --only names them. The last line says
// how many claims passed and failed.
import { parseArgs } from 'node:util';
import { controllerMissing } from '../../cert-manager/support.ts';
import { removeCases, strictNamespace } from './cases.ts';
import { type Claim, type Context, show, showAll } from './claim.ts';
import { commandsAnswer } from './claims/commands.ts';
import { away, killed, missedPods } from './claims/control-plane.ts';
import { fit, installs, labels, uninstalls } from './claims/install.ts';
import { changesIssuer } from './claims/issuer.ts';
import { cronJobsEnd, initContainersCall, jobsEnd } from './claims/jobs.ts';
import { sameNames, withoutMesh } from './claims/names.ts';
import { restrictedNamespace } from './claims/pod-security.ts';
import { closedPorts } from './claims/ports.ts';
import { honestProbes, livenessRestarts } from './claims/probes.ts';
import { scraped } from './claims/prometheus.ts';
import { queried } from './claims/queries.ts';
import { ownRules, withoutRules } from './claims/redirection.ts';
import { rollingRestarts } from './claims/restarts.ts';
import { suggests } from './claims/suggest.ts';
import { everyHop } from './claims/traffic.ts';
import { Cluster } from './cluster.ts';
import { NAMESPACES, Shop } from './shop.ts';

const { values } = parseArgs({
  options: {
    'proxy-image': { type: 'string' },
    'injector-image': { type: 'string' },
    'shop-image': { type: 'string' },
    restarts: { type: 'string', default: '20' },
    // No further restart begins after this time, but for the first three.
    'restart-minutes': { type: 'string', default: '60' },
    prometheus: { type: 'string' },
    // Claims whose names have one of these words; what they stand on is shown in any case.
    only: { type: 'string' },
  },
});
const kubeconfig = process.env.KUBECONFIG;
const { 'proxy-image': proxyImage, 'injector-image': injectorImage, 'shop-image': shopImage } = values;
if (!kubeconfig || !proxyImage || !injectorImage || !shopImage) {
  console.error(
    'e2e: needs KUBECONFIG, --proxy-image, --injector-image and --shop-image; see the head of test/kubernetes/e2e/main.ts',
  );
  process.exit(2);
}

/** A flag's whole number from 1 on. */
function count(flag: 'restarts' | 'restart-minutes'): number {
  const value = values[flag];
  if (/^[1-9]\d*$/.test(value)) return Number(value);
  console.error(`e2e: --${flag} is '${value}'; give a whole number, 1 or more`);
  process.exit(2);
}

const { prometheus } = values;
const [restarts, restartMinutes] = (['restarts', 'restart-minutes'] as const).map(count) as [number, number];
const settings = { proxyImage, injectorImage, shopImage, restarts, restartMinutes, prometheus };
const cluster = new Cluster(kubeconfig);
const context: Context = { cluster, shop: new Shop(cluster, shopImage), settings };
const results: boolean[] = [];

/** Without these nothing else can be shown. */
async function needed(...claims: readonly Claim[]): Promise<boolean> {
  for (const claim of claims) {
    const passed = await show(claim, context);
    results.push(passed);
    if (!passed) return false;
  }
  return true;
}

const words = values.only?.split(',');
/** Those of the claims that are wanted. */
const wanted = (...claims: readonly Claim[]): readonly Claim[] =>
  claims.filter(({ name }) => words === undefined || words.some(word => name.includes(word)));

if (await needed(fit, withoutMesh, installs, labels)) {
  results.push(...(await showAll(wanted(everyHop, sameNames), context)));
  if (await needed(strictNamespace)) {
    const groups = [
      [cronJobsEnd],
      [
        jobsEnd,
        initContainersCall,
        honestProbes,
        livenessRestarts,
        withoutRules,
        ownRules,
        restrictedNamespace,
      ],
    ];
    results.push(...(await Promise.all(groups.map(group => showAll(wanted(...group), context)))).flat());
    const others = [
      ...(prometheus ? [scraped, queried] : []),
      ...[commandsAnswer, closedPorts],
      // Minutes that CI has not.
      ...(words === undefined ? [] : [suggests]),
      ...(words === undefined || controllerMissing ? [] : [changesIssuer]),
      ...[killed, away, missedPods],
    ];
    results.push(...(await showAll(wanted(...others), context)));
  }
  results.push(...(await showAll([...wanted(rollingRestarts), uninstalls], context)));
}
await removeCases(cluster);
for (const name of NAMESPACES) await cluster.delete(`/api/v1/namespaces/${name}`);
const failed = results.filter(passed => !passed).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
