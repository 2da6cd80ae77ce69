# Each target is a thin name for scripts/kubestd, which sets up what it needs.
NODE ?= cp1

.PHONY: up down test test-fast test-upstream lint bench shell
up down test test-fast test-upstream lint bench:
	@scripts/kubestd $@

shell:
	@scripts/kubestd shell $(NODE)
