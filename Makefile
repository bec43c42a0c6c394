# Everything a clone needs: `make demo` and `make test` install, build and run.
SWIFT ?= swift
BUILD := $(SWIFT) build -c release
SOURCES := Package.swift Sources Tests

.DEFAULT_GOAL := help
.PHONY: setup build dist dist-check demo test test-long test-mpi report-test kill-test study-methods study-collapse study-public-logs study-published notebooks-data bench format lint clean help

setup: ## install missing Debian packages, check the Swift toolchain
	@scripts/setup.sh

build: setup ## release build of the zarts command
	$(BUILD) --product zarts

dist: ## one archive for any Linux with this glibc or a newer one, into dist/ (a build of its own, Swift linked in)
	@scripts/setup.sh patchelf binutils
	scripts/dist.sh

dist-check: dist ## run that archive in a minimal Debian with nothing installed, which it makes (as root): make dist-check SUITE=trixie
	@scripts/setup.sh debootstrap
	scripts/dist-check.sh "$$(ls -t dist/zarts-*.tar.gz | head -n 1)" $(SUITE)

demo: build ## same-seed searches, a loss landscape and a report on Fashion-MNIST, into runs/demo
	scripts/demo.sh

test: setup ## all tests, release build
	$(BUILD) --build-tests
	$(SWIFT) test -c release --skip-build

test-long: setup ## all tests with those that take minutes: every method, variant and space through every command
	$(BUILD) --build-tests
	ZARTS_LONG_TESTS=1 $(SWIFT) test -c release --skip-build

test-mpi: setup ## real jobs of Open MPI and of MPICH, which it installs where they are missing: same bytes, killed ranks
	@scripts/setup.sh openmpi-bin mpich procps
	$(BUILD) --build-tests
	scripts/mpi-test.sh

report-test: ## pages of reports in headless Chromium, which it installs where it is missing
	@scripts/setup.sh $$({ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null || echo chromium)
	$(BUILD) --build-tests
	$(SWIFT) test -c release --skip-build --filter ReportBrowserTests

kill-test: build ## kill a search twenty times in a row, resume it, compare with an undisturbed one
	scripts/kill-test.sh

study-methods: build ## methods on three seeds: curves, tables and figures into runs/study-methods
	scripts/study-methods.sh

study-collapse: build ## does DARTS collapse at a size for two cores? needs CIFAR-10: make study-collapse DATASET='cifar10:PATH?side=16'
	scripts/study-collapse.sh '$(DATASET)'

study-public-logs: build ## verdicts on the published logs of RobustDARTS: make study-public-logs LOGS=PATH
	scripts/public-logs.sh '$(LOGS)'

study-published: build ## searches at the published size, days on 2 cores: make study-published DATASET=cifar10:PATH, or the path of CIFAR-10 as JPEG
	scripts/study-published.sh '$(DATASET)'

notebooks-data: build ## the reference study of docs/landscape.md, collected into notebooks-data (about half an hour on 2 cores)
	scripts/reference-study.sh
	scripts/notebooks-data.sh

bench: build ## time of one training step of the search network
	scripts/bench.sh

format: ## rewrite the sources in the house style
	$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

lint: ## complain about what `make format` would change
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

clean: ## remove what was built
	$(SWIFT) package clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
