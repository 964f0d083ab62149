# Siaga 911. `make` alone lists what there is.
.DEFAULT_GOAL := help
CHECKS := check-format check-lint check-types check-imports check-templates check-spelling check-dead-code
.PHONY: help demo test bench simulate check $(CHECKS) dev-installed format screenshots lock clean

PORT ?= 8911
ARGS ?=
BENCH ?=
SEED ?=
DAYS ?= 1
SEEDS ?= 1
LARGE ?= 1000000
# Tests that wait (browser, servers) leave a core idle; two workers fit the smallest machine we promise.
WORKERS ?= 2

PACKAGES := config telephony dashboards dispatch models
RUN := .venv/bin/python -m

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## everything on http://127.0.0.1:8911 with simulated phones (PORT=8911)
	@tools/bootstrap
	@exec .venv/bin/siaga serve --demo --port $(PORT)

test: ## every test, on SQLite, PostgreSQL and in a real browser (ARGS="-k roster")
	@tools/bootstrap dev
	@tools/test-deps
	$(RUN) pytest -n $(WORKERS) $(ARGS)

bench: ## the figures of docs/performance.md, on this machine (BENCH="latency lifecycles" LARGE=0)
	@tools/bootstrap dev
	@tools/test-deps postgresql
	$(RUN) bench $(BENCH) --large $(LARGE)

simulate: ## whole days full of faults (SEED=4711 DAYS=1 SEEDS=1; a random seed when none is given)
	@tools/bootstrap dev
	@$(RUN) tests.simulation $(if $(SEED),--seed $(SEED)) --days $(DAYS) --seeds $(SEEDS)

check: $(CHECKS) ## formatters, linters, types, import contracts, dead code

$(CHECKS): dev-installed
check-format:
	$(RUN) ruff format --check .
check-lint:
	$(RUN) ruff check .
check-types:
	$(RUN) mypy
check-imports:
	.venv/bin/lint-imports --no-cache
check-templates:
	$(RUN) djlint --check --lint $(PACKAGES)
check-spelling:
	$(RUN) codespell_lib .
check-dead-code:
	$(RUN) tools.dead_code

dev-installed:
	@tools/bootstrap dev

format: ## let the formatters rewrite what they may
	@tools/bootstrap dev
	$(RUN) ruff check --fix-only .
	$(RUN) ruff format .
	$(RUN) djlint --quiet --reformat $(PACKAGES)

screenshots: ## take the pictures of the README and the docs from a running demo
	@tools/bootstrap dev
	@tools/test-deps
	$(RUN) tools.screenshots

lock: ## take the newest allowed versions into requirements/*.lock
	@tools/lock

clean: ## remove what was installed and built; never var/, where the records are
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
