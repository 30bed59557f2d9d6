# The commands of this repository. `make` alone lists them.

.PHONY: help
help: ## list the commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

# Without these, Go's own errors don't name what is missing.
.PHONY: needs
needs:
	@case "$$(go env GOVERSION)" in \
	go1.2[6-9]* | go1.[3-9][0-9]* | devel*) ;; \
	*) echo 'Go 1.26 or newer is needed: https://go.dev/doc/install' >&2; exit 1 ;; \
	esac
	@[ "$$(go env CGO_ENABLED)" = 1 ] && command -v $$(go env CXX) >/dev/null || \
	{ echo 'A C and C++ compiler is needed, for DuckDB. Debian, Ubuntu: apt install g++; macOS: xcode-select --install. CGO_ENABLED must not be 0.' >&2; exit 1; }

.PHONY: rehearse
rehearse: needs ## deploy onto local stand-ins, stream records in, query them; ARGS="--keep" and others, see ARGS=-h
	@echo 'building the rehearsal; the first time takes minutes'
	@exec tools/start rehearsal/cmd/rehearse $(ARGS)

.PHONY: install
install: ## put the command evstream where Go installs commands (go env GOBIN, or GOPATH/bin)
	go install ./cmd/evstream

.PHONY: test
test: needs ## run every test
	go test ./...
	go -C emulator test ./...
	go -C rehearsal test ./...

# What a target finds is written to testdata/fuzz in its package, where go test runs it
# from then on. With nothing built before, the first one compiles for some minutes.
.PHONY: fuzz
fuzz: ## fuzz what reads input, each target for TIME=30s
	@grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z]+' . | sed -E 's|/[^/]*:func | |' | while read -r dir name; do \
		echo "$$dir $$name"; \
		go -C "$$dir" test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(or $(TIME),30s) -fuzzminimizetime 1s -parallel 1 . || exit 1; \
	done

.PHONY: lint
lint: ## check formatting, vet, staticcheck, the workflows and module files
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'run: gofmt -w .' >&2; exit 1; }
	go vet ./...
	go -C emulator vet ./...
	go -C rehearsal vet ./...
	go tool -modfile=tools/go.mod staticcheck ./...
	cd emulator && go tool -modfile=../tools/go.mod staticcheck ./...
	cd rehearsal && go tool -modfile=../tools/go.mod staticcheck ./...
	go tool -modfile=tools/actionlint/go.mod actionlint
	go mod tidy -diff
	go -C emulator mod tidy -diff
	go -C rehearsal mod tidy -diff
	go -C tools mod tidy -diff
	go -C tools/actionlint mod tidy -diff
	go mod verify
	go -C emulator mod verify
	go -C rehearsal mod verify
	go -C tools mod verify
	go -C tools/actionlint mod verify

# The database of known vulnerabilities may be out of reach, which is not a failure.
.PHONY: vulnerabilities
vulnerabilities: ## look for known vulnerabilities in what the deployment compiles
	@if curl --silent --fail --max-time 20 --output /dev/null https://vuln.go.dev/index/db.json; then \
		go tool -modfile=tools/go.mod govulncheck ./...; \
	else \
		echo 'The vulnerability database (vuln.go.dev) is out of reach: not checked.'; \
	fi
