# The normal case, and how a commit becomes known
#
# A view is led by the replica whose number is the view modulo the number of replicas: n0 leads view 0. It
# gives the request the index 1 and lays the entry down in its own log; its NIC writes the bytes to the same
# place of the other logs. A follower finds the entry by looking at its memory, checks it, stores it, and
# writes its acknowledgement into the leader's memory. No message is sent and no follower's CPU is asked for
# anything.
#
# The leader commits what a majority has stored. The followers learn that from the next entry. When no client
# asks for anything more there is none, so with its next heartbeat the leader appends an entry that does
# nothing (a NOP).

client 0 put k0 101
    c0 calls put k0 101
run until client 0 answered done
    n0 <- c0 put k0 101: appended 1
    n1 n2: accepted 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
show
    n0 leader, view 0, log 1-1 (last of view 0), stored 1, committed 1
    n1 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n2 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0
run until applied 1 at n1 n2
    n0 beat timer: appended 2
    n1 n2: accepted 2, committed 1, applied 1
show
    n0 leader, view 0, log 1-2 (last of view 0), stored 2, committed 1
    n1 follower, view 0, log 1-2 (last of view 0), stored 2, committed 1
    n2 follower, view 0, log 1-2 (last of view 0), stored 2, committed 1

# A read needs no entry. The leader asks a majority, by one-sided READs of their status words, whether it
# still leads, and answers from its own state.
client 0 get k0
    c0 calls get k0
run until client 0 answered value 101
    n0: committed 2, applied 2
    n0: read-confirmed 0, replied c0
    c0 <- value 101
expect converged
