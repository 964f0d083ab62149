# Siaga 911. `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: help demo test check format screenshots lock clean

PORT ?= 8911
ARGS ?=
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

check: ## formatters, linters, types, import contracts, dead code
	@tools/bootstrap dev
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	.venv/bin/lint-imports
	$(RUN) djlint --quiet --check --lint $(PACKAGES)
	$(RUN) codespell_lib .
	$(RUN) tools.dead_code

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
