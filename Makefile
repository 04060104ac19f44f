# Every command of the project. `make serve` and `make test` are the two that matter.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXPLORER := graphql_api/http/explorer
STOREFRONT := examples/storefront
STOREFRONT_DIST := graphql_api/http/storefront/dist
AUDITS := tests/graphql_api/http/audits
CLIENTS := examples/clients
CLIENT_TESTS := tests/clients
# What Vite asks for: 20.19 or newer of 20, 22.12 or newer of 22, anything above.
NODE := $(shell node -p '(([a, b]) => a == 20 ? b >= 19 : a == 22 ? b >= 12 : a > 22)(process.versions.node.split("."))' 2>/dev/null)
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help serve test audits clients check fuzz faults soak storm conformance bench scale bench-import bench-search search-quality lock release-schema format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/runtime explorer storefront ## Serve http://127.0.0.1:8000/graphql on an embedded PostgreSQL
	@exec $(BIN)/bookstore serve

# Before Python 3.14 branches are traced line by line, which takes a third of the tests' time.
COVERAGE ?=
test: $(VENV)/dev explorer storefront audits clients ## Run the tests; with COVERAGE=1 their branch coverage too, 98 % at least
	$(BIN)/python -m pytest -n 2 --dist worksteal $(if $(COVERAGE),--cov --cov-report=term:skip-covered)

# Documents of clients that must stay valid, in files that TRUSTED_DOCUMENTS can name.
MANIFESTS ?=
check: $(VENV)/dev ## Lint, types, import contracts, the schema as a contract, lock files; name newer versions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/pyright --project tests
	$(BIN)/lint-imports
	$(BIN)/python -m tests.check_schema $(MANIFESTS)
	$(BIN)/python -m tests.check_lock
	$(BIN)/python -m tests.newer_versions

fuzz: $(VENV)/dev explorer ## Fuzz: operations vs graphql-core, hostile documents, raw requests, histories and races of mutations
	FUZZ_EXAMPLES=10000 $(BIN)/python -m pytest --timeout 0 -n 2 --dist load -q tests/graphql_api/execution/test_differential.py
	FUZZ_EXAMPLES=10000 $(BIN)/python -m pytest --timeout 0 -q tests/graphql_api/execution/test_hostile.py tests/faults/test_stalls.py
	FUZZ_EXAMPLES=10000 $(BIN)/python -m pytest --timeout 0 -n 2 -q tests/graphql_api/mutations/test_histories.py \
		tests/graphql_api/mutations/test_races.py tests/graphql_api/mutations/test_random_documents.py
	FUZZ_EXAMPLES=100000 $(BIN)/python -m pytest --timeout 0 -q tests/graphql_api/http/test_fuzz.py

faults: $(VENV)/dev ## Run the fault-injection tests and print the recovery times
	ALL_FAULTS=1 $(BIN)/python -m pytest -q -m '' tests/faults

MINUTES ?= 15
soak: $(VENV)/dev ## A steady load for MINUTES, then ten times the load that the server can take
	$(BIN)/python -m tests.soak --minutes $(MINUTES)

storm: $(VENV)/dev ## 1,000 racing pairs and 1,000 overlapping batches of writes; keys that change under load
	$(BIN)/python -m tests.write_storm

conformance: $(VENV)/dev ## Run graphql-core's own tests of queries, which are fetched, by plans
	$(BIN)/python -m conformance

BENCH ?=
bench: $(VENV)/runtime ## Benchmark this server and five others on a million books (Linux, npm); BENCH has options
	$(BIN)/python -m benchmarks.serving $(BENCH)

SCALE ?=
scale: $(VENV)/dev ## Measure replicas, failover, poolers, many processes and growth, on loopback; SCALE has options
	$(BIN)/python -m benchmarks.scale $(SCALE)

bench-import: $(VENV)/dev ## Measure an import of 1,000,000 books beside a bare COPY, of 100,000 prices, and upserts by the API
	$(BIN)/python -m benchmarks.import_benchmark
	$(BIN)/python -m benchmarks.import_changes
	$(BIN)/python -m benchmarks.upsert_benchmark

BOOKS ?= 10000 1000000 5000000
bench-search: $(VENV)/dev ## Measure search on catalogs of as many generated books as BOOKS says
	$(BIN)/python -m benchmarks.search_benchmark --books $(BOOKS) --svg .github/search.svg

CATALOGS ?= ../shared/catalogs
SEARCH_EVAL ?= ../shared/search-eval
search-quality: $(VENV)/dev ## Search for known books of two real catalogs, and print the share found by kind of text
	$(BIN)/python -m benchmarks.search_quality --catalogs $(CATALOGS) --evaluation $(SEARCH_EVAL)

format: $(VENV)/dev ## Format the code and apply ruff's fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

release-schema: $(VENV)/dev ## Write the schemas of a release, which the next ones are compared with
	$(BIN)/python -m tests.check_schema --release

lock: $(VENV)/dev ## Resolve the newest versions into the lock files
	$(BIN)/python -m tests.check_lock --write

clean: ## Remove what was built; the catalog in .data stays
	rm -rf $(VENV) $(EXPLORER)/dist $(EXPLORER)/node_modules $(STOREFRONT_DIST) $(STOREFRONT)/node_modules \
		$(AUDITS)/node_modules $(CLIENTS)/node_modules $(CLIENTS)/*/generated $(CLIENTS)/relay/__generated__ \
		$(CLIENT_TESTS)/node_modules $(CLIENT_TESTS)/.venv dist .coverage*

$(VENV)/runtime: requirements.lock pyproject.toml
	@echo "Installing the locked dependencies into $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=python3.12 make …")'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) --require-hashes -r requirements.lock
	@$(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/dev: $(VENV)/runtime tests/requirements.lock
	@$(PIP_INSTALL) --require-hashes -r tests/requirements.lock
	@touch $@

audits: ## Install graphql-http's audits, where npm is installed
	@$(MAKE) --no-print-directory $(AUDITS)/node_modules/.package-lock.json \
		|| echo "graphql-http's audits could not be installed (see above); their test is skipped"

$(AUDITS)/node_modules/.package-lock.json: $(AUDITS)/package-lock.json
	@cd $(AUDITS) && npm ci --silent --no-audit --no-fund
	@touch $@

clients: audits ## Install the clients of examples/clients and generate their code, where npm is installed
	@$(MAKE) --no-print-directory $(CLIENTS)/node_modules/.generated $(CLIENT_TESTS)/.venv/installed \
		|| echo "The clients could not be installed (see above); their tests are skipped"

$(CLIENTS)/node_modules/.package-lock.json: $(CLIENTS)/package-lock.json $(CLIENT_TESTS)/package-lock.json
	@echo "Installing the clients"
	@cd $(CLIENT_TESTS) && npm ci --silent --no-audit --no-fund
	@cd $(CLIENTS) && npm ci --silent --no-audit --no-fund
	@touch $@

# The generators need a newer Node than the explorer: that of the audits.
$(CLIENTS)/node_modules/.generated: $(CLIENTS)/node_modules/.package-lock.json graphql_api/schema.graphql \
		$(wildcard $(addprefix $(CLIENTS)/*/,*.graphql operations/*.graphql *.ts *.tsx *.json))
	@echo "Generating the clients' code"
	@cd $(CLIENTS) && PATH="$(abspath $(AUDITS)/node_modules/.bin):$$PATH" \
		GRAPHQL_SCHEMA=$(abspath graphql_api/schema.graphql) npm run --silent generate
	@touch $@

# Clients in Python need an older graphql-core than the server.
$(CLIENT_TESTS)/.venv/installed: $(CLIENT_TESTS)/requirements.lock
	@$(PYTHON) -m venv $(CLIENT_TESTS)/.venv
	@$(CLIENT_TESTS)/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# The explorer and the storefront are built once, where Node is; everything else works without them.
.PHONY: explorer storefront
explorer: ## Build GraphiQL, where Node 20.19 or newer is installed
ifeq ($(NODE),true)
	@$(MAKE) --no-print-directory $(EXPLORER)/dist/index.html \
		|| echo "GraphiQL could not be built (see above); everything else works, and make explorer tries again"
else
	@echo "Node 20.19 or newer is not installed: everything works but GraphiQL in the browser"
endif

$(EXPLORER)/dist/index.html: $(wildcard $(EXPLORER)/*.json $(EXPLORER)/*.ts $(EXPLORER)/*.html $(EXPLORER)/src/*)
	@echo "Building GraphiQL"
	@cd $(EXPLORER) && npm ci --silent --no-audit --no-fund && npm run --silent build

storefront: ## Build the example storefront, where Node 20.19 or newer is installed
ifeq ($(NODE),true)
	@$(MAKE) --no-print-directory $(STOREFRONT_DIST)/index.html \
		|| echo "The storefront could not be built (see above); everything else works, and make storefront tries again"
else
	@echo "Node 20.19 or newer is not installed: everything works but the storefront in the browser"
endif

$(STOREFRONT_DIST)/index.html: graphql_api/schema.graphql $(wildcard $(addprefix $(STOREFRONT)/,*.json *.ts *.html src/*.ts src/*/*.ts src/*/*.css src/*/*.graphql))
	@echo "Building the storefront"
	@cd $(STOREFRONT) && npm ci --silent --no-audit --no-fund && npm run --silent build
