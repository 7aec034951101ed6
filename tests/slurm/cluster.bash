# A SLURM cluster on this machine, for tests: munged, slurmctld and one slurmd a node, all in one scratch
# folder. The test runs in namespaces of its own: its ports, its processes and its mounts are nobody else's,
# so that tests can run side by side and nothing is left behind however they end.
#
#     . tests/slurm/cluster.bash      enters the namespaces, or says why not and ends with 0
#     cluster_start NODES             nodes n0, n1, …, two cores each; partitions low (default, preempted
#                                     by requeue after a grace) and high
#     cluster_stop
if [ -z "${ESPALIER_SLURM_TEST:-}" ]; then
    for program in munged slurmctld slurmd srun sbatch unshare; do
        [ -n "$(PATH=$PATH:/usr/sbin:/sbin command -v $program)" ] || {
            echo "SKIP: no $program here (Debian: slurm-wlm munge libpmix-dev)"
            exit 0
        }
    done
    inside=(unshare --net --uts --mount --pid --fork --kill-child --mount-proc)
    if ! "${inside[@]}" true 2>/dev/null; then
        echo "SKIP: no namespaces here: needs root"
        exit 0
    fi
    ESPALIER_SLURM_TEST=1 exec "${inside[@]}" bash "$0" "$@"
fi
PATH=$PATH:/usr/sbin:/sbin
. tests/cli/common.bash
trap 'cluster_stop; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM
cluster=$scratch/slurm
# one host, loopback: no other network, no shared memory between nodes, ranks that let each other run
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_pml=ob1 OMPI_MCA_mpi_yield_when_idle=1
export SLURM_CONF=$cluster/slurm.conf
pids=()

# a daemon in the foreground, its pid recorded
daemon() { # log, command...
    local log=$cluster/$1
    shift
    "$@" >"$log" 2>&1 </dev/null &
    pids+=($!)
}

# The loopback of the test's own network, by the calls that `ip` would make. The second address: names are not
# resolved on a machine whose only address is 127.0.0.1 (AI_ADDRCONFIG).
start_loopback() {
    /usr/bin/python3 - <<'P'
import fcntl, socket, struct
s = socket.socket()
fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x49))  # SIOCSIFFLAGS: up, loopback, running
address = struct.pack("16sHH4s8x", b"lo", socket.AF_INET, 0, socket.inet_aton("10.99.0.1"))
fcntl.ioctl(s, 0x8916, address)  # SIOCSIFADDR
P
}

write_conf() { # nodes
    cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=control(10.99.0.1)
SlurmUser=root
SlurmdUser=root
AuthInfo=socket=$cluster/munge.socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
MpiDefault=pmix
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$cluster/completed
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=10
MailProg=/bin/true
StateSaveLocation=$cluster/state
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/%n/slurmd.pid
SlurmdSpoolDir=$cluster/%n/spool
TmpFS=$cluster/%n
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdLogFile=$cluster/%n/slurmd.log
SlurmctldPort=6817
CONF
    local i
    for i in $(seq 0 $(($1 - 1))); do
        echo "NodeName=n$i NodeAddr=10.99.0.1 Port=$((7000 + i)) CPUs=2 RealMemory=4000" >>"$SLURM_CONF"
    done
    cat >>"$SLURM_CONF" <<CONF
PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=30
PartitionName=high Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2 PreemptMode=OFF
CONF
}

# a node: own host name, own view of /etc/hosts; a host's shared-memory segments are told apart by its name
start_node() {
    mkdir -p "$cluster/$1/spool"
    daemon "$1.out" unshare --uts --mount sh -c \
        "hostname $1 && mount --bind $cluster/hosts /etc/hosts && exec slurmd -D -N $1 -f $SLURM_CONF"
}

cluster_start() {
    local nodes=$1 i
    mkdir -p "$cluster/state"
    chmod 755 "$scratch" "$cluster"
    { printf '10.99.0.1 localhost control'; printf ' n%d' $(seq 0 $((nodes - 1))); echo; } >"$cluster/hosts"
    hostname control
    mount --bind "$cluster/hosts" /etc/hosts
    start_loopback
    head -c 1024 /dev/urandom >"$cluster/munge.key"
    chmod 600 "$cluster/munge.key"
    daemon munged.out munged --foreground --force --socket="$cluster/munge.socket" --key-file="$cluster/munge.key" \
        --pid-file="$cluster/munged.pid" --log-file="$cluster/munged.log" --seed-file="$cluster/munge.seed"
    until_ready 10 test -S "$cluster/munge.socket" || return 1
    write_conf "$nodes"
    daemon slurmctld.out slurmctld -D -f "$SLURM_CONF"
    for i in $(seq 0 $((nodes - 1))); do
        start_node "n$i"
    done
    until_ready 30 nodes_are_idle "$nodes"
}

nodes_are_idle() { [ "$(sinfo -h -N -p low -t idle -o %N 2>/dev/null | sort -u | wc -l)" = "$1" ]; }

# until a command succeeds, at most so many seconds
until_ready() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
}

no_jobs() { [ -z "$(squeue -h 2>/dev/null)" ]; }

# in the order opposite to their start, each given five seconds
cluster_stop() {
    local i
    [ ${#pids[@]} -gt 0 ] || return 0
    scancel --full --quiet --user=root 2>/dev/null
    until_ready 15 no_jobs
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill "${pids[i]}" 2>/dev/null
    done
    for i in $(seq 25); do
        kill -0 "${pids[@]}" 2>/dev/null || break
        sleep 0.2
    done
    kill -9 "${pids[@]}" 2>/dev/null
    wait "${pids[@]}" 2>/dev/null
    pids=()
}

# what is asked of a job, and of a study's folder
state() { scontrol --oneliner show job "${1:-0}" 2>/dev/null | sed -nE 's/.* JobState=([A-Z_]+).*/\1/p'; }
is() { [[ $(state "$1") == $2 ]]; } # job, pattern
in_order() { # jobs: each started after the one before had ended
    local job last=0 start
    for job in "$@"; do
        start=$(date -d "$(scontrol --oneliner show job "$job" | sed -nE 's/.* StartTime=([^ ]+).*/\1/p')" +%s)
        [ "$start" -ge "$last" ] || return 1
        last=$(date -d "$(scontrol --oneliner show job "$job" | sed -nE 's/.* EndTime=([^ ]+).*/\1/p')" +%s)
    done
}
summary() { (cd "$1" && sha256sum models/*/* report/*) | sort -k2; }
