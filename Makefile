# espalier: see `make help`
SHELL   := /bin/bash
BUILD   ?= build
CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
ARCH    ?= -march=native
OPT     ?= -O3
SAN     ?=
# matrix products of the encoder: native, openblas or onednn (needs libdnnl-dev)
GEMM    ?= native
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)

PKGS    := ompi-c hdf5-openmpi scalapack-openmpi openblas lapacke jansson yaml-0.1 libutf8proc libcrypto
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wconversion
PKG_CF  := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags-only-I $(PKGS) 2>/dev/null))
PKG_LD  := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CFLAGS  := -std=c11 -D_GNU_SOURCE $(OPT) -g $(ARCH) -ffp-contract=off $(WARN) $(SAN)
CPPFLAGS:= -Isrc -I$(BUILD) $(PKG_CF) -MMD -MP
LDLIBS  := $(PKG_LD) -lhdf5_hl -lsleef -lpthread -lm
CHECK_LD:= $(shell pkg-config --libs check 2>/dev/null)

GEMMS   := $(patsubst %,src/tensor/gemm_%.c,native openblas onednn)
ifeq ($(filter src/tensor/gemm_$(GEMM).c,$(GEMMS)),)
$(error GEMM=$(GEMM): native, openblas or onednn)
endif
ifeq ($(GEMM),onednn)
LDLIBS  += -ldnnl
endif
SRC     := $(sort $(filter-out $(GEMMS),$(wildcard src/*/*.c)) src/tensor/gemm_$(GEMM).c)
JOBS    := $(sort $(wildcard jobs/*.c))
OBJ     := $(SRC:%.c=$(BUILD)/%.o)
JOBOBJ  := $(JOBS:%.c=$(BUILD)/%.o)
LIB     := $(BUILD)/libespalier.a
UNIT    := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/unit/*.c tests/grad/*.c)))
MPITEST := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/mpi/test_*.c)))
CLI     := $(sort $(wildcard tests/cli/*.sh tests/oracle/*.sh)) tests/slurm/preempt.sh
SLURM   := $(sort $(wildcard tests/slurm/*.sh))
TRIES   ?= 10
BENCH   := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard bench/bench_*.c)))
BENCHOBJ:= $(patsubst %.c,$(BUILD)/%.o,$(filter-out bench/bench_%,$(sort $(wildcard bench/*.c))))
PEERS   := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard bench/peers/*.c)))

VERSION := $(shell git describe --always --dirty --tags 2>/dev/null || echo unknown)
RANKS   ?= 1 2 3 4 6
RESULTS ?= results
# extra flags for mpirun, e.g. MPIFLAGS='--bind-to core'
MPIFLAGS?=

# Debian 12 packages: what the program needs, and what its tests and lints need besides
NEED    := build-essential pkg-config libopenmpi-dev openmpi-bin libhdf5-openmpi-dev hdf5-tools \
           libscalapack-openmpi-dev libopenblas-dev liblapacke-dev libjansson-dev libyaml-dev \
           libutf8proc-dev librandom123-dev libsleef-dev libssl-dev wordnet-base
NEEDTEST:= check clang clang-format cppcheck python3-h5py python3-pandas python3-tables slurm-wlm munge \
           libpmix-dev

# one thread a rank, and MPI usable by root and on few cores, for everything that make starts
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export OMPI_ALLOW_RUN_AS_ROOT := 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM := 1
export OMPI_MCA_rmaps_base_oversubscribe := 1
# seconds of a unit test: a hang is found, a slow machine or sanitizers are not one
export CK_DEFAULT_TIMEOUT := 120
export BUILD

##@ Use
.PHONY: all
all: need $(BUILD)/espalier                  ## build the program (default)

.PHONY: demo
demo: deps-run                               ## install what is missing, build, run the demo study on 2 ranks
	@$(MAKE) --no-print-directory all
	@bash tests/demo.sh

.PHONY: test
test: deps                                   ## install what is missing, build, run every test (under 10 minutes on 2 cores)
	@$(MAKE) --no-print-directory all test-unit test-mpi test-cli

.PHONY: deps deps-run
deps:                                        ## install the Debian packages that are missing
	@bash tests/lint/deps.sh $(NEED) $(NEEDTEST)
deps-run:
	@bash tests/lint/deps.sh $(NEED)

.PHONY: install
PREFIX ?= /usr/local
install: all                                 ## copy the program to $(PREFIX)/bin, configs and slurm beside it
	install -D -m 755 $(BUILD)/espalier $(DESTDIR)$(PREFIX)/bin/espalier
	install -d $(DESTDIR)$(PREFIX)/share/espalier/configs $(DESTDIR)$(PREFIX)/share/espalier/slurm
	install -m 644 configs/*.yaml $(DESTDIR)$(PREFIX)/share/espalier/configs
	install -m 755 slurm/* $(DESTDIR)$(PREFIX)/share/espalier/slurm

.PHONY: help
help:                                        ## list the targets
	@awk '/^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*##/ {n = $$1; sub(":.*", "", n); sub(".*## ", ""); printf "  make %-12s %s\n", n, $$0}' Makefile
	@echo; echo "variables: BUILD=$(BUILD) CC=$(CC) ARCH=$(ARCH) OPT=$(OPT) RANKS=\"$(RANKS)\" V=1 (show commands)"

##@ Check
.PHONY: test-unit
test-unit: $(UNIT)                           ## unit and gradient tests
	@set -e; for t in $(UNIT); do echo "  unit   $$t"; timeout -k 5 300 $$t; done

.PHONY: test-mpi
test-mpi: $(MPITEST)                         ## tests over MPI, on 1 to 6 ranks
	@set -e; for t in $(MPITEST); do for n in $(RANKS); do echo "  mpi    $$t on $$n"; \
	  timeout -k 5 300 mpirun -n $$n $$t; done; done

.PHONY: test-cli
test-cli: all                                ## the program from outside, oracles, kill and resume
	@set -e; for t in $(CLI); do echo "  cli    $$t"; timeout -k 5 590 bash $$t; done

.PHONY: test-slurm
test-slurm: all                              ## a SLURM cluster on this machine: preempted, requeued, nodes lost (TRIES=10)
	@set -e; for t in $(SLURM); do echo "  slurm  $$t"; TRIES=$(TRIES) timeout -k 30 1800 bash $$t; done

.PHONY: layers
layers: lib                                  ## no folder includes or calls a folder of its own layer or below
	@bash tests/lint/layers.sh $(BUILD)

.PHONY: lint
lint:                                        ## formatting, static analysis, house rules
	@bash tests/lint/lint.sh

.PHONY: debug
debug:                                       ## ASan + UBSan build in $(BUILD)-debug
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-debug OPT='-O1 -fno-omit-frame-pointer' \
	  SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' all

.PHONY: test-debug
test-debug:                                  ## unit tests under ASan + UBSan
	@ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS=suppressions=tests/lint/leaks.supp $(MAKE) --no-print-directory \
	  BUILD=$(BUILD)-debug OPT='-O1 -fno-omit-frame-pointer' \
	  SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' test-unit

.PHONY: bench
.SECONDARY: $(BENCHOBJ)
BENCHES := $(if $(NAME),$(BUILD)/bench/bench_$(NAME),$(BENCH))
ifneq ($(filter peers losses textfooler sparsegpt,$(NAME)),)
bench: $(PEERS)
	@bash bench/peers/run.sh $(NAME)
else
bench: $(BENCHES)                            ## speeds beside the machine's limits; NAME=attack|encoder|factor|kernels|layers|model|precision|prune|queue|similarity|sparse|tagger|peers|losses|textfooler|sparsegpt
	@set -e; for b in $(BENCHES); do echo "== $$b"; case $$b in *_factor|*_model) mpirun -n 2 $$b;; *) $$b;; esac; done
endif

.PHONY: clean
clean:                                       ## remove what was built
	rm -rf $(BUILD) $(BUILD)-debug

.PHONY: need
need:
	@pkg-config --exists $(PKGS) || { echo "espalier needs packages that are missing: run \`make deps\`" >&2; exit 1; }

.PHONY: lib
lib: $(LIB)

$(LIB): $(OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/espalier: $(JOBOBJ) $(LIB)
	@echo "  link   $@"
	$(Q)$(CC) $(CFLAGS) -o $@ $(JOBOBJ) $(LIB) $(LDLIBS)

# the version is compiled into one object, made again only when it changes
$(BUILD)/version: FORCE
	@mkdir -p $(@D); echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
.PHONY: FORCE
FORCE:
$(BUILD)/jobs/version.o: $(BUILD)/version
$(BUILD)/jobs/version.o: EXTRA += -DESPALIER_VERSION='"$(VERSION)"' -DESPALIER_FLAGS='"$(CC) $(OPT) $(ARCH)"'

# the scripts of slurm/ are compiled into the program, which fills them in
$(BUILD)/slurm_templates.h: slurm/run.sbatch slurm/chain slurm/array
	@mkdir -p $(@D)
	$(Q)for f in $^; do n=$${f##*/}; echo "static const char *const template_$${n//./_}[] = {"; \
	  sed -e 's/[\\"]/\\&/g' -e 's/.*/    "&",/' $$f; echo '    0};'; done > $@
$(BUILD)/jobs/slurm_script.o: $(BUILD)/slurm_templates.h

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  cc     $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(EXTRA) -c -o $@ $<

$(BUILD)/tests/%: tests/%.c $(LIB)
	@mkdir -p $(@D)
	@echo "  cc     $<"
	$(Q)$(CC) $(CPPFLAGS) -Itests $(CFLAGS) -o $@ $< $(LIB) $(CHECK_LD) $(LDLIBS)

$(BUILD)/bench/%: bench/%.c $(BENCHOBJ) $(LIB)
	@mkdir -p $(@D)
	@echo "  cc     $<"
	$(Q)$(CC) $(CPPFLAGS) -Ibench $(CFLAGS) -o $@ $< $(BENCHOBJ) $(LIB) $(LDLIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
