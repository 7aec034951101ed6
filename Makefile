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
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)

PKGS    := ompi-c hdf5-openmpi scalapack-openmpi openblas lapacke jansson yaml-0.1 libutf8proc libcrypto
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wconversion
PKG_CF  := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags-only-I $(PKGS) 2>/dev/null))
PKG_LD  := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CFLAGS  := -std=c11 -D_GNU_SOURCE $(OPT) -g $(ARCH) -ffp-contract=off $(WARN) $(SAN) $(EXTRA)
CPPFLAGS:= -Isrc -I$(BUILD) $(PKG_CF) -MMD -MP
LDLIBS  := $(PKG_LD) -lhdf5_hl -lsleef -lpthread -lm
CHECK_LD:= $(shell pkg-config --libs check 2>/dev/null)

SRC     := $(sort $(wildcard src/*/*.c))
JOBS    := $(sort $(wildcard jobs/*.c))
OBJ     := $(SRC:%.c=$(BUILD)/%.o)
JOBOBJ  := $(JOBS:%.c=$(BUILD)/%.o)
LIB     := $(BUILD)/libespalier.a
UNIT    := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/unit/*.c tests/grad/*.c)))
MPITEST := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/mpi/test_*.c)))
CLI     := $(sort $(wildcard tests/cli/*.sh tests/oracle/*.sh))
BENCH   := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard bench/bench_*.c)))

# one thread a rank, and MPI usable by root and on few cores, for everything that make starts
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export OMPI_ALLOW_RUN_AS_ROOT := 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM := 1
export OMPI_MCA_rmaps_base_oversubscribe := 1
export BUILD

.PHONY: all
all: $(BUILD)/espalier

.PHONY: lib
lib: $(LIB)

$(LIB): $(OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/espalier: $(JOBOBJ) $(LIB)
	@echo "  link   $@"
	$(Q)$(CC) $(CFLAGS) -o $@ $(JOBOBJ) $(LIB) $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  cc     $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/tests/%: tests/%.c $(LIB)
	@mkdir -p $(@D)
	@echo "  cc     $<"
	$(Q)$(CC) $(CPPFLAGS) -Itests $(CFLAGS) -o $@ $< $(LIB) $(CHECK_LD) $(LDLIBS)

$(BUILD)/bench/%: bench/%.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< $(LIB) $(LDLIBS)

.PHONY: test-unit
test-unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "  unit   $$t"; timeout -k 5 300 $$t; done

.PHONY: test-mpi
test-mpi: $(MPITEST)
	@set -e; for t in $(MPITEST); do for n in 1 2 3 4 6; do echo "  mpi    $$t on $$n"; \
	  timeout -k 5 300 mpirun -n $$n $$t; done; done

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
