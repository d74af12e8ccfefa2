# icescope. `make` alone lists what there is. Each step writes a stamp or a file, so that a second run does only what is new.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-builtin-rules

# The file VERSION stands in the tarball of `make source` only, which has no history to ask.
VERSION ?= $(shell cat VERSION 2>/dev/null || git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)

# golangci-lint comes through the Go module proxy; its version is exact, since each one finds other things.
GOLANGCI_VERSION := v2.15.0
GOLANGCI := .cache/bin/golangci-lint-$(GOLANGCI_VERSION)

# What the tests need beside Go and Node: Debian's packages.
PACKAGES := chromium firefox-esr nftables iproute2 coturn stun-client stun-server fonts-noto-cjk

WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print)
PAGE := web/dist/index.html

comma := ,

# Two cores: each step uses both by itself.
.NOTPARALLEL:

.PHONY: help run build release source test lint vet unit lab-test page-test packages lab lab-nat gallery paper bench generate docker clean

## run: build the page and the binary, and serve (ARGS="--http :9000" hands flags on)
run: build
	./icescope serve $(ARGS)

## build: build the page and leave the binary in ./icescope
build: $(PAGE)
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o icescope ./cmd/icescope

# Without cgo each is one static file, and each builds anywhere; -trimpath and the version alone make the same bytes of the same sources.
RELEASES := linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64 windows-arm64

## release: static binaries for Linux, macOS and Windows, amd64 and arm64, with their checksums, into dist/
release: $(PAGE)
	rm -rf dist && mkdir dist
	for r in $(RELEASES); do \
	  os=$${r%-*} arch=$${r#*-} ext=; [ $$os != windows ] || ext=.exe; \
	  CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -trimpath -ldflags '$(LDFLAGS)' -o dist/icescope-$$r$$ext ./cmd/icescope; \
	done
	cd dist && sha256sum icescope-* >SHA256SUMS && cat SHA256SUMS

# The same commit gives the same bytes. The page is not in the history, so it must be the one of that commit, and the libraries come as `go mod vendor` leaves them.
SOURCE := icescope-$(VERSION)

## source: dist/icescope-VERSION-source.tar.gz, which builds with Go alone: no Node, no network
source: $(PAGE)
	@git diff --quiet HEAD -- web go.mod go.sum || { echo 'make: web/ or go.mod differs from HEAD: commit first, so that the tarball is of one commit' >&2; exit 1; }
	mkdir -p dist && work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && \
	git archive --prefix=$(SOURCE)/ HEAD | tar -x -C "$$work" && \
	cp -R web/dist/. "$$work/$(SOURCE)/web/dist/" && \
	echo '$(VERSION)' >"$$work/$(SOURCE)/VERSION" && \
	(cd "$$work/$(SOURCE)" && go mod vendor) && \
	tar -C "$$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$$(git log -1 --format=%ct)" -cf - $(SOURCE) | gzip -n >dist/$(SOURCE)-source.tar.gz
	cd dist && sha256sum $(SOURCE)-source.tar.gz | tee $(SOURCE)-source.tar.gz.sha256

## test: everything: page, vet, lint, Go tests with the race detector, the lab
test: packages build page-test vet lint unit lab-test

## lint: golangci-lint (.golangci.yml says why each linter is on)
lint: $(GOLANGCI)
	$(GOLANGCI) run ./...

## generate: write again what is generated (web/src/protocol.gen.ts)
generate:
	go generate ./...

# Most of an hour. SCENARIOS, KINDS and RUNS narrow or widen it: make lab SCENARIOS='flat,nat-*' KINDS=chromium RUNS=3; narrowed, docs/ stay as they are.
## lab: play every scenario with every kind of ends, into docs/lab-table.md; SCENARIO=asymmetric-nat holds that one open for a person
lab: build
	ICESCOPE=$(CURDIR)/icescope go run ./e2e/cmd/lab $(if $(SCENARIO),-scenario $(SCENARIO),-all -runs $(or $(RUNS),1) -scenario "$(SCENARIOS)" \
	  -ends $(or $(KINDS),chromium$(comma)firefox-one$(comma)firefox-both$(comma)headless-one) $(if $(STORIES),-stories $(STORIES)) \
	  $(if $(SCENARIOS),,-o docs/lab-table.md))

## gallery: drop the recording of every scenario on the page, and write pictures of it into docs/gallery (SCENARIOS narrows it)
gallery: build
	ICESCOPE=$(CURDIR)/icescope go run ./e2e/cmd/lab -gallery docs/gallery -stories diagnosis/testdata -scenario "$(SCENARIOS)"

## paper: print the report of every scenario on A4 in both languages into artefacts/paper; more than four sheets fail (SCENARIOS narrows it)
paper:
	go run ./e2e/cmd/lab -paper artefacts/paper -stories diagnosis/testdata -scenario "$(SCENARIOS)"

# An hour and more. NATS, CLIENTS, RUNS and ROWS narrow it, and then docs/ stay as they are: make lab-nat NATS=eim-apdf CLIENTS=cli,firefox RUNS=1 ROWS=none,eim-apdf
## lab-nat: every NAT of the lab by every client, and two browsers behind every pair of NATs, into docs/ (needs root)
lab-nat: build
	ICESCOPE=$(CURDIR)/icescope go run ./e2e/cmd/lab -nat -runs $(or $(RUNS),10) -nats "$(NATS)" -clients "$(CLIENTS)" $(if $(NATS)$(CLIENTS)$(RUNS),,-o docs/nat-lab.md)
	ICESCOPE=$(CURDIR)/icescope go run ./e2e/cmd/lab -grid -rows "$(ROWS)" $(if $(ROWS),,-o docs/nat-grid.md)

# For how long bench follows the page's heap. Two minutes show a leak; ten are what the target is about: make bench BENCH_MINUTES=10
BENCH_MINUTES := 2

# go test has no time-out of its own for benchmarks.
## bench: the Go benchmarks of the hot paths, then what a person waits for, in the lab (needs root), and what the page costs (BENCH_MINUTES=10)
bench: build
	timeout --foreground 5m go test -run '^$$' -bench . -benchmem -benchtime 0.3s $$(go list ./... | grep -v /e2e)
	ICESCOPE=$(CURDIR)/icescope go run ./e2e/cmd/lab -bench
	ICESCOPE=$(CURDIR)/icescope go run ./e2e/cmd/lab -page -minutes $(BENCH_MINUTES)

## docker: build the container image icescope:VERSION
docker:
	docker build --build-arg VERSION=$(VERSION) -t icescope:$(VERSION) .

## clean: remove what was built; the caches of Go and npm stay
clean:
	rm -rf icescope dist $(filter-out web/dist/.gitignore,$(wildcard web/dist/*)) web/node_modules .cache artefacts

## help: this list
help:
	@echo 'icescope: make TARGET'
	@sed -n 's/^## \([a-z-]*\): /  \1: /p' $(MAKEFILE_LIST) | column -t -s: -l 2 2>/dev/null || sed -n 's/^## /  /p' $(MAKEFILE_LIST)

# The steps of test.

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

# In the tarball of `make source` the page is built already, and there may be no Node.
ifeq ($(wildcard vendor/modules.txt),)
$(PAGE): web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run --silent build
	@touch $@
endif

# After the build: the tests of what was built (its weight, its policy) skip where there is none.
page-test: $(PAGE)
	cd web && npm run --silent check && npm test --silent

vet:
	go vet ./...

# The lab runs on its own, without the race detector: its browsers need both cores, and its packages are tested with it in their own tests.
unit:
	go test -race $$(go list ./... | grep -v /e2e)
	go test -count=1 -run 'TestCertainLasts|TestNoDefaultRouteWaits' ./diagnosis # after every event: the race detector has time for each 16th
	go test -count=1 -run TestManyConnectionsComeAndGo ./signaling # all 10,000 of them: the race detector has room for 1,000

lab-test: build
	ICESCOPE=$(CURDIR)/icescope go test -count=1 -timeout 70m ./e2e/...

$(GOLANGCI):
	GOBIN=$(CURDIR)/.cache/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv .cache/bin/golangci-lint $@

# As root the missing packages are installed. Else the command is named, and the tests say what they skip; under CI that is an error.
packages:
	@missing=; for p in $(PACKAGES); do \
	  dpkg-query -W -f='$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || missing="$$missing $$p"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	else \
	  echo "make: for the whole test, first: sudo apt-get install$$missing" >&2; \
	  if [ -n "$${CI:-}" ]; then exit 1; fi; \
	fi
