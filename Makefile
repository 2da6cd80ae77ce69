# Each target is a thin name for scripts/kubestd, which sets up what it needs.
NODE ?= cp1

.PHONY: up down test test-fast lint bench shell
up down test test-fast lint bench:
	@scripts/kubestd $@

shell:
	@scripts/kubestd shell $(NODE)
