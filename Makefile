# Weft: the daily commands. Each does its own set-up; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
node = $$(scripts/toolchain.sh node)
bin = PATH="$$(dirname $(node)):$$PATH" node_modules/.bin

.PHONY: help setup network demo test unit check lint format dashboards dashboard-test dashboard-pictures dashboards-check end-to-end fuzz h2spec restarts chaos bench bench-check build clean

.PHONY: pod-start scale webhook-latency sbom short-lives cert-manager connections edge-changes real-consul real-spire conformance

help: ## list these commands
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## fetch Node 24 if needed and install npm packages
	@scripts/toolchain.sh modules

network: setup ## as root on Debian: install iptables and iproute2 when missing
	@scripts/toolchain.sh iptables

demo: network ## the example shop in a sandbox under load, live; CHECK=1 proves each claim and exits
	@PATH="$$(dirname $(node)):$$PATH" $(node) examples/demo.ts $(if $(CHECK),--check)

test: network check lint unit ## types, lint, every test but the slow real-Kubernetes ones

unit: network ## every test, without types and lint
	@PATH="$$(dirname $(node)):$$PATH" $(node) scripts/test.ts $(FILES)

check: setup ## type check
	@$(bin)/tsc --noEmit
	@$(bin)/tsc --noEmit -p dashboard

lint: setup ## lint, format, import layers and the width of comments
	@$(bin)/biome check --error-on-warnings .
	@$(node) scripts/layers.ts
	@$(node) scripts/comment-width.ts

conformance: ## Gateway API's own suite on the cluster of KUBECONFIG; what it takes: the head of test/kubernetes/conformance/run.sh; PART=gateways or mesh
	@test/kubernetes/conformance/run.sh $(or $(PART),all) $(ARGS)

end-to-end: setup ## on the cluster of KUBECONFIG, which must have nothing of Weft; ARGS names the images
	@$(node) test/kubernetes/e2e/main.ts $(ARGS)

pod-start: setup ## on the cluster of KUBECONFIG, with Weft in it: how much later pods are ready with the mesh, and where the time goes; ARGS="--image shop:1 --pods 15"
	@$(node) test/kubernetes/e2e/pod-start.ts $(ARGS)

dashboards: setup ## write manifests/grafana/ from grafana/
	@$(node) grafana/write.ts

dashboard-test: setup ## the web page, and gRPC-Web from a page, in the Chromium that WEFT_CHROMIUM names, or that is on PATH
	@WEFT_CHROMIUM=$${WEFT_CHROMIUM:-$$(command -v chromium || true)} $(node) --test --test-concurrency=1 --test-timeout=300000 test/dashboard/*.test.ts test/grpc/web-browser.test.ts

dashboard-pictures: setup ## write docs/pictures/dashboard/ with the Chromium of dashboard-test
	@WEFT_CHROMIUM=$${WEFT_CHROMIUM:-$$(command -v chromium || true)} $(node) test/dashboard/pictures.ts

dashboards-check: network ## every query of the dashboards against the Prometheus that WEFT_PROMETHEUS names; ARGS=--table shows each
	@PATH="$$(dirname $(node)):$$PATH" $(node) test/grafana/main.ts $(ARGS)

format: setup ## rewrite files in the house format
	@$(bin)/biome check --write .

fuzz: setup ## a million and more cases through each HTTP codec, then what strangers send first through its readers
	@$(node) test/fuzz/http1.ts
	@$(node) test/fuzz/http2.ts
	@$(node) test/fuzz/beginnings.ts

h2spec: setup ## h2spec, strict, against the HTTP/2 codec alone and the listeners of a proxy; WEFT_H2SPEC names the program
	@$(node) test/h2spec/main.ts $(ARGS)

real-consul: network ## services found in a real Consul, which WEFT_CONSUL names or is on PATH
	@PATH="$$(dirname $(node)):$$PATH" $(node) --test --test-timeout=600000 test/real-servers/consul.test.ts

real-spire: network ## federation with a real SPIRE, which WEFT_SPIRE_SERVER and WEFT_SPIRE_AGENT name
	@PATH="$$(dirname $(node)):$$PATH" $(node) --test --test-timeout=600000 test/real-servers/spire.test.ts

connections: network ## 1,000 new connections a second to an app for ten minutes; WEFT_TEST_CONNECTIONS and WEFT_TEST_CONNECTIONS_SECONDS say otherwise
	@PATH="$$(dirname $(node)):$$PATH" WEFT_TEST_CONNECTIONS=$${WEFT_TEST_CONNECTIONS:-1000} WEFT_TEST_CONNECTIONS_SECONDS=$${WEFT_TEST_CONNECTIONS_SECONDS:-600} \
		$(node) --test --test-timeout=7200000 test/connections/steady.test.ts

edge-changes: network ## 1,000 WebSockets and 200 requests/s over 200 changes of a gateway, some minutes; WEFT_TEST_CHANGES says how many
	@PATH="$$(dirname $(node)):$$PATH" WEFT_TEST_CHANGES=$${WEFT_TEST_CHANGES:-200} WEFT_TEST_WEBSOCKETS=1000 WEFT_TEST_RATE=200 \
		$(node) --test --test-timeout=3600000 test/gateway/changes.test.ts

chaos: network ## every fault of test/chaos under load, minutes; SHORT=1 those of CI, SECONDS=600 SEED=1 by chance, ONLY=A,B, TIMES=5, WRITE=1 into docs/resilience.md
	@PATH="$$(dirname $(node)):$$PATH" $(node) test/chaos/main.ts $(if $(SHORT),--short) $(if $(filter command line,$(origin SECONDS)),--seconds=$(SECONDS)) \
		$(if $(SEED),--seed=$(SEED)) $(if $(ONLY),--only=$(ONLY)) $(if $(TIMES),--times=$(TIMES)) $(if $(WRITE),--write)

restarts: network ## rolling restarts under HTTP, gRPC and WebSocket load; WEFT_TEST_RESTARTS says how many (20)
	@PATH="$$(dirname $(node)):$$PATH" WEFT_TEST_RESTARTS=$${WEFT_TEST_RESTARTS:-20} $(node) --test --test-timeout=3600000 test/sandbox/restarts.test.ts

bench: network build ## measure Weft against HAProxy, nginx and Envoy
	@PATH="$$(dirname $(node)):$$PATH" $(node) bench/run.ts $(ARGS)

bench-check: setup ## allocations and system calls per request against bench/budget.json
	@PATH="$$(dirname $(node)):$$PATH" $(node) bench/micro.ts $(ARGS)

sbom: setup ## dist/sbom/: what both images hold, in CycloneDX, with licences
	@PATH="$$(dirname $(node)):$$PATH" $(node) scripts/sbom.ts $(ARGS)

short-lives: setup ## certificates of 20 s for ten minutes under load, the control plane away for 60 % of it
	@WEFT_SHORT_LIVES=600 $(node) --test --test-timeout=1300000 test/identity/short-lives.test.ts

cert-manager: setup ## a real cert-manager signs, on an API server: WEFT_CERT_MANAGER as .ci/build-cert-manager prints it, and KUBEBUILDER_ASSETS
	@$(node) --test --test-concurrency=1 --test-timeout=600000 test/cert-manager/*.test.ts

webhook-latency: setup ## how long admission takes, fifty pods a second among others; with KUBEBUILDER_ASSETS at a real API server, too
	@PATH="$$(dirname $(node)):$$PATH" $(node) test/webhook/latency.ts

scale: setup ## 10,000 proxies of a mesh of 1,000 Services at one control plane, some minutes; ARGS="--proxies 500 --services 50" is shorter
	@PATH="$$(dirname $(node)):$$PATH" $(node) bench/scale/main.ts $(ARGS)

build: setup ## one bundled file per process, into dist/
	@$(node) scripts/build.ts

clean: ## remove what the commands above made
	@rm -rf dist .tools node_modules
